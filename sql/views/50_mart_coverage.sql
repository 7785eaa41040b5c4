-- Grain: one expected app-day. Key: app_id, usage_date. What is collected, what is missing, why, and until
-- when it is available. Consumers: operators, alerts, the demo.
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
    wanted.conn_id,
    case when wanted.top_kbps[1] > 0 then (
        select string_agg(other.app_id, ', ' order by other.app_id)
        from core.app_day as same
        inner join core.app as other on same.app_key = other.app_key
        where
            same.usage_date = wanted.usage_date
            and same.body_sha256 = wanted.body_sha256
            and same.top_kbps[1] > 0
            and same.app_key <> wanted.app_key
    ) end as same_response_as,
    wanted.is_complete
from core.wanted_app_day as wanted;

comment on view mart.coverage is 'Grain: one expected app-day and its state.';
comment on column mart.coverage.app_id is 'The vendor''s App ID.';
comment on column mart.coverage.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.coverage.state is
'pending, collected (288 points), partial (fewer, all sound), rejected, failed or lost (no longer available).';
comment on column mart.coverage.points is 'How many points the vendor delivered, of 288.';
comment on column mart.coverage.attempts is 'How many responses, or failures to get one, are recorded.';
comment on column mart.coverage.reason is 'Why there are not 288 points; empty where there are.';
comment on column mart.coverage.expires_on is 'Last day on which the vendor is expected to show the usage date.';
comment on column mart.coverage.days_left is 'Days from today to expires_on; negative once it has passed.';
comment on column mart.coverage.app_name is 'Name of the app for people.';
comment on column mart.coverage.conn_id is 'Account that owns the app.';
comment on column mart.coverage.same_response_as is
'App IDs that were given the same response body for the day, a sign of a mix-up at the vendor; null where none was.';
comment on column mart.coverage.is_complete is
'All 288 points are stored. Of years of app-days, a filter `not is_complete` reads only those that are not complete.';
