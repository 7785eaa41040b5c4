-- Grain: one row per expected app-day, up to yesterday in the account's time zone. An app-day is expected if the
-- configuration says so (core.app) or if it has points (core.app_day). Key: app_key, usage_date. Unit: kbps.
-- Days that were never requested are included with the state pending, so missing days appear even if no run has
-- started. An expected day without points is lost from lost_on onwards. The state lost is computed here, never stored.
-- Consumers: the planner, mart.coverage, mart.bandwidth_daily, the bills.
create or replace view core.app_day_state as
-- Requested days. A filter on usage_date, month or is_complete uses an index of core.app_day.
select
    app.app_key,
    app.app_id,
    app.app_name,
    app.conn_id,
    app_day.usage_date,
    date_trunc('month', app_day.usage_date::timestamp)::date as month,
    app_day.starts_at,
    case
        when app_day.state in ('collected', 'partial') then app_day.state
        when app.today < mart.lost_on(app_day.usage_date, app.window_length) then app_day.state
        else 'lost'
    end as state,
    app_day.state = 'collected' as is_complete,
    app_day.points::integer as points,
    app_day.attempts,
    app_day.http_status,
    app_day.reason,
    app_day.collected_at,
    app_day.verified_at,
    app_day.conn_id as collected_by,
    app_day.body_sha256,
    mart.expires_on(app_day.usage_date, app.window_length) as expires_on,
    mart.lost_on(app_day.usage_date, app.window_length) as lost_on,
    app.today,
    app_day.kbps,
    app_day.top_kbps,
    app_day.sum_kbps
from core.app_calendar as app
inner join core.app_day as app_day on app.app_key = app_day.app_key
where
    app_day.usage_date < app.today
    and (app_day.points > 0 or app.expected_dates @> app_day.usage_date)
union all
-- Days without a ledger entry. Only dates that are not in core.entered_days are looked up, however long the history.
select
    app.app_key,
    app.app_id,
    app.app_name,
    app.conn_id,
    day.usage_date,
    date_trunc('month', day.usage_date::timestamp)::date as month,
    null::timestamptz as starts_at,
    case when app.today < mart.lost_on(day.usage_date, app.window_length) then 'pending' else 'lost' end as state,
    false as is_complete,
    0 as points,
    0 as attempts,
    null::smallint as http_status,
    'not requested yet' as reason,
    null::timestamptz as collected_at,
    null::timestamptz as verified_at,
    null::text as collected_by,
    null::bytea as body_sha256,
    mart.expires_on(day.usage_date, app.window_length) as expires_on,
    mart.lost_on(day.usage_date, app.window_length) as lost_on,
    app.today,
    null::double precision[] as kbps,
    null::double precision[] as top_kbps,
    null::double precision as sum_kbps
from core.app_calendar as app
left join core.entered_days as entered on app.app_key = entered.app_key
left join (
    select
        change.app_key,
        range_agg(daterange(change.usage_date, change.usage_date + 1)) as usage_dates
    from core.changed_app_day as change
    group by change.app_key
) as changed on app.app_key = changed.app_key
cross join
    lateral (
        select
            app.expected_dates - (coalesce(entered.usage_dates, '{}') - coalesce(changed.usage_dates, '{}'))
                as usage_dates
    ) as candidate
cross join lateral mart.dates_in(candidate.usage_dates) as day (usage_date)
where
    not isempty(candidate.usage_dates)
    -- `offset 0` makes the planner look up each date by its key instead of reading the whole ledger.
    and not exists (
        select from core.app_day as app_day
        where app_day.app_key = app.app_key and app_day.usage_date = day.usage_date
        offset 0 -- noqa: AM09
    );

comment on view core.app_day_state is
'Grain: one row per expected app-day, with its ledger entry if the day was requested.';
comment on column core.app_day_state.app_key is 'App, see core.app.';
comment on column core.app_day_state.app_id is 'The vendor''s App ID.';
comment on column core.app_day_state.app_name is 'Display name of the app.';
comment on column core.app_day_state.conn_id is 'Account that owns the app.';
comment on column core.app_day_state.usage_date is 'Usage date in the account''s time zone.';
comment on column core.app_day_state.month is 'First day of the calendar month that contains usage_date.';
comment on column core.app_day_state.starts_at is
'Instant at which the day''s first slot starts; null if the day was never requested.';
comment on column core.app_day_state.state is
'pending, collected, partial, rejected, failed or lost. pending and lost are computed, not stored.';
comment on column core.app_day_state.is_complete is
'Whether all 288 points are stored. A filter on this column uses an index.';
comment on column core.app_day_state.points is 'Number of points delivered by the vendor, out of 288.';
comment on column core.app_day_state.attempts is 'Number of recorded responses and of requests without a response.';
comment on column core.app_day_state.http_status is 'HTTP status of the last recorded response.';
comment on column core.app_day_state.reason is 'Why points are missing; empty for a complete day.';
comment on column core.app_day_state.collected_at is
'When the response that delivered the points was received.';
comment on column core.app_day_state.verified_at is
'When the newest sound response was received; null if the day has no points.';
comment on column core.app_day_state.collected_by is
'Account that requested the day; null if the day was never requested.';
comment on column core.app_day_state.body_sha256 is 'SHA-256 of the body of the last recorded response.';
comment on column core.app_day_state.expires_on is
'Last day on which the vendor is expected to serve the usage date.';
comment on column core.app_day_state.lost_on is
'First day on which the app-day is lost unless it has points, which is three days after expires_on.';
comment on column core.app_day_state.today is 'Today in the account''s time zone.';
comment on column core.app_day_state.kbps is
'Rates in kbps, one element per five-minute slot; null where the point is absent.';
comment on column core.app_day_state.top_kbps is 'The day''s fifteen largest points in descending order, kbps.';
comment on column core.app_day_state.sum_kbps is
'Sum of the day''s points, kbps; null if there are none. Multiply by 37,500 for bytes.';
