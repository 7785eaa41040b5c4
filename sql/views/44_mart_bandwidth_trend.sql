-- Return one row per month or usage date of the entire stored history, with the figures for the sum of the apps of a
-- billing group or of all apps. Points are summed per five-minute interval and then ranked. The figures and the status
-- of a month are those of mart.billing_monthly_group and mart.billing_monthly_total. A day is incomplete if an expected
-- point of any app is absent, and otherwise complete. Unit: kbps. Days up to yesterday are included. The function runs
-- with the owner's rights, because analysts may not read core. 60_core_delete_old.sql explains the search_path.
-- Consumers: the Trend view of the page, analysts who plan capacity.
-- noqa: disable=RF01,RF02,RF03
-- (No table could qualify a parameter.)
create or replace function mart.bandwidth_trend(step text, billing_group text default null)
returns table (
    first_date date,
    status text,
    calendar_days integer,
    expected_days integer,
    app_points bigint,
    expected_app_points bigint,
    p95_kbps numeric,
    peak_kbps numeric
)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    -- The step selects one branch of the union. Only that branch is executed.
    select
        month.month as first_date,
        month.status,
        month.calendar_days,
        month.expected_days::integer as expected_days,
        month.app_points,
        month.expected_app_points,
        month.p95_kbps,
        month.peak_kbps
    from core.summed_month as month
    where step = 'month' and month.billing_group = coalesce(bandwidth_trend.billing_group, '')
    union all
    select
        day.usage_date as first_date,
        case when coalesce(total.app_points, 0) < 288 * day.apps then 'incomplete' else 'complete' end as status,
        1 as calendar_days,
        1 as expected_days,
        coalesce(total.app_points, 0) as app_points,
        (288 * day.apps)::bigint as expected_app_points,
        round(total.top_kbps[5 * total.points / 100 + 1]::numeric, 3) as p95_kbps,
        round(total.top_kbps[1]::numeric, 3) as peak_kbps
    from (
        -- The number of apps changes only at the ends of their periods.
        select
            dates.usage_date::date as usage_date,
            span.apps
        from (
            select
                change.usage_date as first_date,
                lead(change.usage_date) over by_date as next_date,
                sum(sum(change.apps)) over by_date as apps
            from core.app_past_dates as app
            cross join lateral unnest(app.past_dates) as period
            cross join lateral (values (lower(period), 1), (upper(period), -1)) as change (usage_date, apps)
            where
                step = 'day'
                and (
                    bandwidth_trend.billing_group is null or app.billing_group = bandwidth_trend.billing_group
                )
            group by change.usage_date
            window by_date as (order by change.usage_date)
        ) as span
        cross join
            lateral generate_series(
                span.first_date::timestamp, (span.next_date - 1)::timestamp, interval '1 day'
            ) as dates (usage_date)
        where span.apps > 0
    ) as day
    left join core.summed_days('-infinity', 'infinity', bandwidth_trend.billing_group, null) as total
        on day.usage_date = total.usage_date;
end;

comment on function mart.bandwidth_trend is
'Return the 95th percentile and the peak of the sum of a billing group''s apps, or of all apps, over the entire stored'
' history. The step is month (one row per month) or day (one row per usage date).';
revoke all on function mart.bandwidth_trend from public;
grant execute on function mart.bandwidth_trend to analyst, loader;
