-- Return the bill for any range of usage dates: one row per app, or one row for the sum of the apps if billing_group or
-- is_sum is set. Unit: kbps. The figures and the status follow the rules of mart.billing_monthly and
-- mart.billing_monthly_group. In the row for a sum, app_id is null and app_name is the group. The function runs with
-- the owner's rights, because analysts may not read core. It returns nothing that analysts may not read.
-- 60_core_delete_old.sql explains the search_path. Consumers: mart.billing_monthly_group, analysts whose billing period
-- does not begin on the first of a month.
-- noqa: disable=AL03,AL08,RF01,RF02,RF03
-- (No table could qualify a parameter. The columns are named by the function.)
create or replace function mart.billing_between(
    from_date date,
    to_date date,
    app_ids text[] default null,
    billing_group text default null,
    is_sum boolean default false
)
returns table (
    app_id text,
    app_name text,
    status text,
    is_final boolean,
    points bigint,
    expected_points bigint,
    calendar_days integer,
    expected_days integer,
    days bigint,
    days_with_traffic bigint,
    p95_kbps numeric,
    peak_kbps numeric,
    mean_daily_peak_kbps numeric,
    mean_daily_p95_kbps numeric,
    fourth_peak_kbps numeric,
    top_five_mean_kbps numeric,
    app_points bigint,
    expected_app_points bigint
)
-- By default, PostgreSQL may use a generic plan from the sixth call in a query. That plan reads all groups' points.
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
begin atomic
    with app as materialized (
        select
            period.*,
            past.days as past_days,
            expected.days as expected_days_of_app
        from core.app_period(from_date, to_date, billing_between.billing_group, app_ids) as period
        cross join lateral (select count(*) as days from mart.dates_in(period.past_dates)) as past
        cross join lateral (select count(*) as days from mart.dates_in(period.expected_dates)) as expected
    )

    select
        app.app_id,
        app.app_name,
        app.status,
        app.status = 'final',
        app.points,
        288 * app.past_days,
        to_date - from_date + 1,
        app.expected_days_of_app::integer,
        app.days,
        app.days_with_traffic,
        (
            select round((array_agg(point.kbps order by point.kbps desc))[5 * app.points / 100 + 1]::numeric, 3)
            from core.app_day_state as day
            cross join lateral unnest(day.kbps) as point (kbps)
            where
                day.app_key = app.app_key
                and day.usage_date between from_date and to_date
                -- As in mart.billing_monthly: ranked among the days' largest points, the rank gives a lower bound.
                and point.kbps >= (
                    select (array_agg(top.kbps order by top.kbps desc nulls last))[5 * app.points / 100 + 1]
                    from unnest(app.tops_kbps) as top (kbps)
                )
        ),
        round(app.peak_kbps::numeric, 3),
        round(app.mean_daily_peak_kbps::numeric, 3),
        round(app.mean_daily_p95_kbps::numeric, 3),
        round(app.fourth_peak_kbps::numeric, 3),
        round(app.top_five_mean_kbps::numeric, 3),
        app.points,
        288 * app.past_days
    from app
    where billing_between.billing_group is null and not is_sum
    union all
    select
        null,
        billing_between.billing_group,
        period.status,
        period.status = 'final',
        total.points,
        period.expected_points,
        to_date - from_date + 1,
        period.expected_days,
        total.days,
        total.days_with_traffic,
        total.p95_kbps,
        total.peak_kbps,
        total.mean_daily_peak_kbps,
        total.mean_daily_p95_kbps,
        total.fourth_peak_kbps,
        total.top_five_mean_kbps,
        period.app_points,
        period.expected_app_points
    from (
        select
            mart.worst_status(array_agg(app.status)) as status,
            sum(app.points)::bigint as app_points,
            288 * sum(app.past_days)::bigint as expected_app_points,
            288 * (select count(*) from mart.dates_in(range_agg(app.past_dates))) as expected_points,
            (select count(*) from mart.dates_in(range_agg(app.expected_dates)))::integer as expected_days
        from app
        having count(*) > 0
    ) as period
    cross join lateral core.summed_figures(from_date, to_date, billing_between.billing_group, app_ids) as total
    where billing_between.billing_group is not null or is_sum;
end;

comment on function mart.billing_between is
'Return the bill by every common method for the usage dates from from_date to to_date inclusive, for all apps or for'
' those in app_ids. The result has one row per app, or one row for the sum of the apps if billing_group or is_sum is'
' set. With billing_group, only the apps of that group are included.';
revoke all on function mart.billing_between from public;
grant execute on function mart.billing_between to analyst, loader;
