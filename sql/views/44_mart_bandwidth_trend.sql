-- Return one row per month or usage date of the entire stored history, with the figures for the sum of the apps of a
-- billing group or of all apps. Points are summed per five-minute interval and then ranked. A single pass serves all
-- rows, which takes a fraction of the time of mart.billing_monthly_group. The figures and the status of a month are
-- those of mart.billing_monthly_group and mart.billing_monthly_total. A day is incomplete if an expected point of any
-- app is absent, and otherwise complete. Unit: kbps. Days up to yesterday are included. The function runs with the
-- owner's rights, because analysts may not read core. 60_core_delete_old.sql explains the search_path. Consumers: the
-- Trend view of the page, analysts who plan capacity.
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
    with period as (
        select
            month.month as first_date,
            mart.worst_status(array_agg(month.status)) as status,
            month.calendar_days,
            bit_count(bit_or(month.expected_day_bits)::bit(32))::integer as expected_days,
            sum(month.points)::bigint as app_points,
            288 * sum(month.past_days)::bigint as expected_app_points
        from core.app_month as month
        where
            step = 'month'
            and (
                bandwidth_trend.billing_group is null
                or month.app_key in (
                    select app.app_key from core.app_calendar as app
                    where app.billing_group = bandwidth_trend.billing_group
                )
            )
        group by month.month, month.calendar_days
        union all
        select
            day.usage_date as first_date,
            case when sum(day.points) < 288 * count(*) then 'incomplete' else 'complete' end as status,
            1 as calendar_days,
            1 as expected_days,
            sum(day.points) as app_points,
            288 * count(*) as expected_app_points
        from core.app_day_state as day
        where
            step = 'day'
            and (
                bandwidth_trend.billing_group is null
                or day.app_key in (
                    select app.app_key from core.app_calendar as app
                    where app.billing_group = bandwidth_trend.billing_group
                )
            )
        group by day.usage_date
    ),

    point as (
        select
            case
                when step = 'month' then date_trunc('month', summed.usage_date::timestamp)::date
                else summed.usage_date
            end as first_date,
            summed.kbps
        from core.summed_point('-infinity', 'infinity', bandwidth_trend.billing_group, null) as summed
    ),

    ranked as (
        select
            point.first_date,
            count(*) as points,
            array_agg(point.kbps order by point.kbps desc) as kbps
        from point
        group by point.first_date
    )

    select
        period.first_date,
        period.status,
        period.calendar_days,
        period.expected_days,
        period.app_points,
        period.expected_app_points,
        round(ranked.kbps[5 * ranked.points / 100 + 1]::numeric, 3) as p95_kbps,
        round(ranked.kbps[1]::numeric, 3) as peak_kbps
    from period
    left join ranked on period.first_date = ranked.first_date;
end;

comment on function mart.bandwidth_trend is
'Return the 95th percentile and the peak of the sum of a billing group''s apps, or of all apps, over the entire stored'
' history. The step is month (one row per month) or day (one row per usage date).';
revoke all on function mart.bandwidth_trend from public;
grant execute on function mart.bandwidth_trend to analyst, loader;
