-- Grain: one expected app-day: the configuration expects it (core.app), or it has points (core.app_day).
-- Key: app_key, usage_date. Days up to yesterday in the account's time zone.
-- Consumers: the planner, mart.coverage, mart.bandwidth_daily, the bills. Days that were never requested are
-- included (state pending), so nothing depends on the scheduler having run. An expected day without points is lost
-- once it is out of the vendor's window by the calendar and a margin of two days. That is computed here, never stored.
create or replace view core.wanted_app_day as
-- Two halves: the days that were requested and the days that were not. Of the first a filter on usage_date, month or
-- is_complete reaches an index of core.app_day: years of arrays are not read for the sake of one month. The second
-- looks up only the days that core.entered_days does not know to be in the first, however long the history.
select
    known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    app_day.usage_date,
    app_day.starts_at,
    case
        when app_day.state in ('collected', 'partial') or expiry.expires_on + 2 >= known.today then app_day.state
        else 'lost'
    end as state,
    app_day.points::integer as points,
    app_day.attempts,
    app_day.http_status,
    app_day.reason,
    app_day.collected_at,
    expiry.expires_on,
    known.today,
    app_day.kbps,
    app_day.top_kbps,
    date_trunc('month', app_day.usage_date::timestamp)::date as month,
    app_day.state = 'collected' as is_complete,
    app_day.conn_id as collected_by,
    app_day.verified_at,
    app_day.body_sha256
from core.known_app as known
inner join core.app_day as app_day on known.app_key = app_day.app_key
-- The last day on which usage_date still lies inside the window. A month clips 29 to 31 to the end of a shorter one,
-- so both ways of counting are needed.
cross join
    lateral (
        select
            greatest(
                (app_day.usage_date + known.window_length)::date,
                (app_day.usage_date + 1 + known.window_length)::date - 1
            ) as expires_on
    ) as expiry
where
    app_day.usage_date < known.today
    and (app_day.points > 0 or known.wanted @> app_day.usage_date)
union all
select
    known.app_key,
    known.app_id,
    known.app_name,
    known.conn_id,
    day.usage_date,
    null::timestamptz as starts_at,
    case when expiry.expires_on + 2 >= known.today then 'pending' else 'lost' end as state,
    0 as points,
    0 as attempts,
    null::smallint as http_status,
    'not requested yet' as reason,
    null::timestamptz as collected_at,
    expiry.expires_on,
    known.today,
    null::double precision[] as kbps,
    null::double precision[] as top_kbps,
    date_trunc('month', day.usage_date::timestamp)::date as month,
    false as is_complete,
    null::text as collected_by,
    null::timestamptz as verified_at,
    null::bytea as body_sha256
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
cross join
    lateral (
        select
            greatest(
                (day.usage_date + known.window_length)::date,
                (day.usage_date + 1 + known.window_length)::date - 1
            ) as expires_on
    ) as expiry
where
    not isempty(open.usage_dates)
    -- Looked up one by one, whatever the planner expects: never by reading the whole ledger.
    and not exists (
        select from core.app_day as app_day
        where app_day.app_key = known.app_key and app_day.usage_date = day.usage_date
        offset 0 -- noqa: AM09
    );

comment on view core.wanted_app_day is 'Grain: one expected app-day with its ledger entry, requested or not.';
comment on column core.wanted_app_day.app_key is 'App, see core.app.';
comment on column core.wanted_app_day.app_id is 'The vendor''s App ID.';
comment on column core.wanted_app_day.app_name is 'Name of the app for people.';
comment on column core.wanted_app_day.conn_id is 'Account that owns the app.';
comment on column core.wanted_app_day.usage_date is 'Usage date in the account''s time zone.';
comment on column core.wanted_app_day.starts_at is
'Instant at which the day''s first slot starts; null before it was requested.';
comment on column core.wanted_app_day.state is
'pending, collected, partial, rejected, failed or lost; lost is computed.';
comment on column core.wanted_app_day.points is 'How many points the vendor delivered, of 288.';
comment on column core.wanted_app_day.attempts is 'How many responses, or failures to get one, are recorded.';
comment on column core.wanted_app_day.http_status is 'Status of the last recorded response.';
comment on column core.wanted_app_day.reason is 'Why there are not 288 points; empty where there are.';
comment on column core.wanted_app_day.collected_at is 'When the response was received that the points are from.';
comment on column core.wanted_app_day.expires_on is 'Last day on which the vendor is expected to show the usage date.';
comment on column core.wanted_app_day.today is 'Today in the account''s time zone.';
comment on column core.wanted_app_day.kbps is 'One element a five-minute slot, kbps; null where absent.';
comment on column core.wanted_app_day.top_kbps is 'The day''s fifteen largest points, descending, kbps.';
comment on column core.wanted_app_day.month is 'First day of the calendar month of usage_date.';
comment on column core.wanted_app_day.is_complete is 'All 288 points are stored; a filter on it reaches an index.';
comment on column core.wanted_app_day.collected_by is 'Account that requested the day; null before it was requested.';
comment on column core.wanted_app_day.verified_at is
'When the newest sound response was received; null without points.';
comment on column core.wanted_app_day.body_sha256 is 'Digest of the body of the last recorded response.';
