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
        from core.app_period(from_date, to_date, null, app_ids) as period
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
        bill.status,
        bill.status = 'final',
        bill.points,
        288 * mart.days_in(bill.past_dates),
        to_date - from_date + 1,
        mart.days_in(bill.expected_dates)::integer,
        bill.days,
        bill.days_with_traffic,
        bill.p95_kbps,
        bill.peak_kbps,
        bill.mean_daily_peak_kbps,
        bill.mean_daily_p95_kbps,
        bill.fourth_peak_kbps,
        bill.top_five_mean_kbps,
        bill.app_points,
        288 * bill.app_days
    from (
        select
            period.*,
            total.*,
            case
                when period.is_running then 'running'
                when total.app_points < 288 * period.app_days then 'incomplete'
                when period.is_partly_expected then 'part of the month'
                else 'final'
            end as status
        from (
            select
                bool_or(app.today <= to_date) as is_running,
                bool_or(
                    not isempty(app.configured_dates * datemultirange(dates.period) - app.past_dates)
                ) as is_partly_expected,
                sum(mart.days_in(app.past_dates * datemultirange(dates.period)))::bigint as app_days,
                range_agg(app.past_dates * datemultirange(dates.period)) as past_dates,
                range_agg(
                    (app.past_dates + app.all_expected_dates * datemultirange(daterange(app.today, null)))
                    * datemultirange(dates.period)
                ) as expected_dates
            from core.app_past_dates as app
            cross join (select daterange(least(from_date, to_date + 1), to_date + 1) as period) as dates
            where
                (billing_between.billing_group is not null or is_sum)
                and (app_ids is null or app.app_id = any(app_ids))
                and (billing_between.billing_group is null or app.billing_group = billing_between.billing_group)
                and app.past_dates && dates.period
            having count(*) > 0
        ) as period
        cross join lateral mart.summed_figures(from_date, to_date, billing_between.billing_group, app_ids) as total
    ) as bill;
end;

comment on function mart.billing_between is
'Return the bill by every common method for the usage dates from from_date to to_date inclusive, for all apps or for'
' those in app_ids. The result has one row per app, or one row for the sum of the apps if billing_group or is_sum is'
' set. With billing_group, only the apps of that group are included.';
revoke all on function mart.billing_between from public;
grant execute on function mart.billing_between to analyst, loader;
