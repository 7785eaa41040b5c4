-- Grain: one wanted app-day, which is one that is configured (core.app) or was ever asked for (core.app_day).
-- Key: app_key, usage_date. Days up to yesterday in the account's time zone.
-- Consumers: the planner, mart.coverage, mart.bandwidth_daily, the bills. Days nobody asked for yet are
-- there too (state pending), so nothing depends on the scheduler having run.
create or replace view core.wanted_app_day as
select
    app.app_key,
    app.app_id,
    app.name as app_name,
    app.conn_id,
    wanted.usage_date,
    app_day.starts_at,
    coalesce(app_day.state, 'pending') as state,
    coalesce(app_day.points, 0)::integer as points,
    coalesce(app_day.attempts, 0) as attempts,
    app_day.http_status,
    coalesce(app_day.reason, 'not asked yet') as reason,
    app_day.collected_at,
    -- The last day on which usage_date still lies inside the window. A month clips 29 to 31 to the end of
    -- a shorter one, so both ways of counting are needed.
    greatest(
        (wanted.usage_date + account.window_length)::date,
        (wanted.usage_date + 1 + account.window_length)::date - 1
    ) as expires_on,
    account.today,
    app_day.kbps,
    app_day.top_kbps
from core.app as app
inner join lateral (
    select
        vendor_account.window_length,
        (now() at time zone vendor_account.timezone)::date as today
    from core.vendor_account
    where vendor_account.conn_id = app.conn_id
) as account on true
inner join lateral (
    select day::date as usage_date
    from generate_series(
        app.wanted_from::timestamp, least(app.wanted_until, account.today - 1)::timestamp, '1 day'
    ) as day
    union
    select asked.usage_date from core.app_day as asked
    where asked.app_key = app.app_key
) as wanted on true
left join core.app_day as app_day
    on app_day.app_key = app.app_key and app_day.usage_date = wanted.usage_date;

comment on view core.wanted_app_day is 'Grain: one wanted app-day with its ledger entry, asked for or not.';
comment on column core.wanted_app_day.app_key is 'App, see core.app.';
comment on column core.wanted_app_day.app_id is 'The vendor''s App ID.';
comment on column core.wanted_app_day.app_name is 'Name of the app for people.';
comment on column core.wanted_app_day.conn_id is 'Account that owns the app.';
comment on column core.wanted_app_day.usage_date is 'Usage date in the account''s time zone.';
comment on column core.wanted_app_day.starts_at is 'Instant at which the day''s first slot starts; null before it was asked.';
comment on column core.wanted_app_day.state is 'pending, collected, partial, rejected, failed or lost.';
comment on column core.wanted_app_day.points is 'How many points the vendor delivered, of 288.';
comment on column core.wanted_app_day.attempts is 'How often the vendor was asked with a recorded outcome.';
comment on column core.wanted_app_day.http_status is 'Status of the last recorded answer.';
comment on column core.wanted_app_day.reason is 'Why there are not 288 points; empty where there are.';
comment on column core.wanted_app_day.collected_at is 'When the answer was received that the points are from.';
comment on column core.wanted_app_day.expires_on is 'Last day on which the vendor is expected to show the usage date.';
comment on column core.wanted_app_day.today is 'Today in the account''s time zone.';
comment on column core.wanted_app_day.kbps is 'One element a five-minute slot, kbps; null where absent.';
comment on column core.wanted_app_day.top_kbps is 'The day''s fifteen largest points, descending, kbps.';
