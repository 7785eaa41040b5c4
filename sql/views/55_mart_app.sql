-- Grain: one row per App ID with a day in mart.coverage. Key: app_id. Each row has the first and last of these days.
-- Consumers: analysts, the list of apps on the web page.
create or replace view mart.app as
select
    app.app_id,
    app.app_name,
    app.conn_id,
    app.timezone,
    least(lower(app.expected_dates), recorded.first_date) as first_date,
    greatest(upper(app.expected_dates) - 1, recorded.last_date) as last_date,
    app.billing_group
from core.app_calendar as app
-- The subqueries take two index lookups per app, however long the history.
cross join
    lateral (
        select
            (
                select min(app_day.usage_date) from core.app_day as app_day
                where app_day.app_key = app.app_key and app_day.points > 0
            ) as first_date,
            (
                select max(app_day.usage_date) from core.app_day as app_day
                where
                    app_day.app_key = app.app_key
                    and app_day.points > 0
                    and app_day.usage_date < app.today
            ) as last_date
    ) as recorded
where not isempty(app.expected_dates) or recorded.first_date < app.today;

comment on view mart.app is 'Grain: one row per App ID with a day in mart.coverage.';
comment on column mart.app.app_id is 'The vendor''s App ID.';
comment on column mart.app.app_name is 'Display name of the app.';
comment on column mart.app.conn_id is 'Account that owns the app.';
comment on column mart.app.timezone is 'IANA time zone of the account''s usage dates.';
comment on column mart.app.first_date is 'First usage date that is expected or has points.';
comment on column mart.app.last_date is 'Last usage date, up to yesterday, that is expected or has points.';
comment on column mart.app.billing_group is 'Billing group of the app.';
