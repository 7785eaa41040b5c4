-- Grain: one wanted app-day. Key: app_id, usage_date. What is collected, what is missing, why, and until
-- when it can still be had. Consumers: operators, alerts, the demo.
create or replace view mart.coverage as
select
    wanted.app_id,
    wanted.usage_date,
    wanted.state,
    wanted.points,
    wanted.attempts,
    wanted.reason,
    wanted.expires_on,
    wanted.expires_on - wanted.today as days_left,
    wanted.app_name,
    wanted.conn_id
from core.wanted_app_day as wanted;

comment on view mart.coverage is 'Grain: one wanted app-day and its state.';
comment on column mart.coverage.app_id is 'The vendor''s App ID.';
comment on column mart.coverage.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.coverage.state is
'pending, collected (288 points), partial (fewer, all sound), rejected, failed or lost.';
comment on column mart.coverage.points is 'How many points the vendor delivered, of 288.';
comment on column mart.coverage.attempts is 'How often the vendor was asked with a recorded outcome.';
comment on column mart.coverage.reason is 'Why there are not 288 points; empty where there are.';
comment on column mart.coverage.expires_on is 'Last day on which the vendor is expected to show the usage date.';
comment on column mart.coverage.days_left is 'Days from today to expires_on; negative once it has passed.';
comment on column mart.coverage.app_name is 'Name of the app for people.';
comment on column mart.coverage.conn_id is 'Account that owns the app.';
