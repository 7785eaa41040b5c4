-- Grain: one wanted app-day, which is one that is configured (core.app) or was ever asked for (core.app_day).
-- Key: app_key, usage_date. Days up to yesterday in the account's time zone.
-- Consumers: the planner, mart.coverage, mart.bandwidth_daily, the bills. Days nobody asked for yet are
-- there too (state pending), so nothing depends on the scheduler having run.
create or replace view core.wanted_app_day as
-- Two halves, the days asked for and the days not asked for. Of the first a filter on usage_date, month or state
-- reaches an index of core.app_day: years of arrays are not read for the sake of one month. The second looks up only
-- the days that core.entered_days does not know to be in the first, however long the history.
select
    known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    app_day.usage_date,
    app_day.starts_at,
    app_day.state,
    app_day.points::integer as points,
    app_day.attempts,
    app_day.http_status,
    app_day.reason,
    app_day.collected_at,
    -- The last day on which usage_date still lies inside the window. A month clips 29 to 31 to the end of
    -- a shorter one, so both ways of counting are needed.
    greatest(
        (app_day.usage_date + known.window_length)::date,
        (app_day.usage_date + 1 + known.window_length)::date - 1
    ) as expires_on,
    known.today,
    app_day.kbps,
    app_day.top_kbps,
    date_trunc('month', app_day.usage_date::timestamp)::date as month
from core.known_app as known
inner join core.app_day as app_day on known.app_key = app_day.app_key
where app_day.usage_date < known.today
union all
select
    known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    day.usage_date,
    null::timestamptz as starts_at,
    'pending' as state,
    0 as points,
    0 as attempts,
    null::smallint as http_status,
    'not asked yet' as reason,
    null::timestamptz as collected_at,
    greatest(
        (day.usage_date + known.window_length)::date,
        (day.usage_date + 1 + known.window_length)::date - 1
    ) as expires_on,
    known.today,
    null::double precision[] as kbps,
    null::double precision[] as top_kbps,
    date_trunc('month', day.usage_date::timestamp)::date as month
from core.known_app as known
left join core.entered_days as entered on known.app_key = entered.app_key
left join (
    select
        change.app_key,
        range_agg(daterange(change.usage_date, change.usage_date + 1)) as usage_dates
    from core.changed_app_day as change
    group by change.app_key
) as noted on known.app_key = noted.app_key
cross join
    lateral (
        select known.wanted - (coalesce(entered.usage_dates, '{}') - coalesce(noted.usage_dates, '{}')) as usage_dates
    ) as open
cross join lateral mart.dates_in(open.usage_dates) as day (usage_date)
where
    not isempty(open.usage_dates)
    -- Looked up one by one, whatever the planner expects: never by reading the whole ledger.
    and not exists (
        select from core.app_day as app_day
        where app_day.app_key = known.app_key and app_day.usage_date = day.usage_date
        offset 0 -- noqa: AM09
    );

comment on view core.wanted_app_day is 'Grain: one wanted app-day with its ledger entry, asked for or not.';
comment on column core.wanted_app_day.app_key is 'App, see core.app.';
comment on column core.wanted_app_day.app_id is 'The vendor''s App ID.';
comment on column core.wanted_app_day.app_name is 'Name of the app for people.';
comment on column core.wanted_app_day.conn_id is 'Account that owns the app.';
comment on column core.wanted_app_day.usage_date is 'Usage date in the account''s time zone.';
comment on column core.wanted_app_day.starts_at is
'Instant at which the day''s first slot starts; null before it was asked.';
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
comment on column core.wanted_app_day.month is 'First day of the calendar month of usage_date.';
