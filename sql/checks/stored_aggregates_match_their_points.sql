-- Checks the stored 95th percentiles and sums for all months and days with app-days collected in the last two days.
-- They must be equal to the results of counting and adding up the points again, because the bills use them. Checks for
-- every app that each date in core.entered_days is in the ledger, because the planner requests only the other dates.
-- If it fails: points were changed where triggers do not run (docs/adr/0007). Bills for these months are wrong, or
-- missing days are not requested, until you run `python -m agora.warehouse.rebuild` (docs/operations/backup.md).
with recent as materialized (
    select
        app_day.app_key,
        app_day.usage_date,
        app_day.starts_at,
        date_trunc('month', app_day.usage_date::timestamp)::date as month
    from core.app_day as app_day
    where app_day.collected_at >= now() - interval '2 days' and app_day.points > 0
),

-- This test counts points instead of ranking them: at most floor(5 N / 100) points are above the 95th percentile, and
-- more than floor(5 N / 100) points are equal to or above it.
month as (
    select
        sum(counted.above) <= 5 * sum(app_day.points) / 100
        and sum(counted.not_below) > 5 * sum(app_day.points) / 100
        and max(app_day.usage_date) = stored.last_day as is_right
    from (select distinct
        recent.app_key,
        recent.month
    from recent) as changed
    inner join core.fresh_month_p95 as stored
        on changed.app_key = stored.app_key and changed.month = stored.month
    inner join core.app_day as app_day
        on
            stored.app_key = app_day.app_key
            and stored.month = date_trunc('month', app_day.usage_date::timestamp)::date
            and app_day.points > 0
    cross join
        lateral (
            select
                count(*) filter (where point.kbps > stored.p95_kbps) as above,
                count(*) filter (where point.kbps >= stored.p95_kbps) as not_below
            from unnest(app_day.kbps) as point (kbps)
        ) as counted
    group by stored.app_key, stored.month, stored.p95_kbps, stored.last_day
),

sum_of_group as materialized (
    select
        changed.usage_date,
        changed.starts_at,
        point.billing_group,
        point.number,
        point.kbps,
        point.apps
    from (select distinct
        recent.usage_date,
        recent.starts_at
    from recent) as changed
    -- A lateral join sums each day separately. For all days together, the planner would read every year.
    cross join
        lateral (
            select
                app.billing_group,
                point.number,
                sum(point.kbps) as kbps,
                count(point.kbps) as apps
            from core.app_day as app_day
            inner join core.app_calendar as app on app_day.app_key = app.app_key
            cross join lateral unnest(app_day.kbps) with ordinality as point (kbps, number)
            where app_day.usage_date = changed.usage_date and app_day.starts_at = changed.starts_at
            group by app.billing_group, point.number
        ) as point
    -- The bills do not use the stored sums of days with a recorded change.
    where not exists (
        select from core.changed_app_day as change
        where change.usage_date = changed.usage_date and change.starts_at = changed.starts_at
    )
),

summed as (
    select
        point.*,
        sum(point.apps) over (
            partition by point.usage_date, point.starts_at, point.billing_group
        ) as app_points
    from (
        select
            of_group.usage_date,
            of_group.starts_at,
            of_group.billing_group,
            of_group.number,
            of_group.kbps,
            of_group.apps
        from sum_of_group as of_group
        union all
        select
            of_group.usage_date,
            of_group.starts_at,
            '' as billing_group,
            of_group.number,
            sum(of_group.kbps) as kbps,
            sum(of_group.apps) as apps
        from sum_of_group as of_group
        group by of_group.usage_date, of_group.starts_at, of_group.number
    ) as point
),

slot as (
    select
        coalesce(
            summed.apps = stored.apps[summed.number]
            -- The last digits of a sum depend on the order of addition.
            and abs(coalesce(summed.kbps, 0) - coalesce(stored.kbps[summed.number], 0))
            <= 1e-9 * coalesce(summed.kbps, 0)
            and summed.app_points = stored.app_points,
            false
        ) as is_right
    from summed
    left join core.day_sum as stored
        on
            summed.usage_date = stored.usage_date
            and summed.starts_at = stored.starts_at
            and summed.billing_group = stored.billing_group
    where summed.apps > 0
),

changed_dates as (
    select
        changed.app_key,
        range_agg(daterange(changed.usage_date, changed.usage_date + 1)) as usage_dates
    from core.changed_app_day as changed
    group by changed.app_key
),

period as (
    select
        upper(period.usage_dates) - lower(period.usage_dates) as days,
        (
            select count(*) from core.app_day as app_day
            where
                app_day.app_key = entered.app_key
                and app_day.usage_date >= lower(period.usage_dates)
                and app_day.usage_date < upper(period.usage_dates)
        ) as app_days
    from core.entered_days as entered
    left join changed_dates on entered.app_key = changed_dates.app_key
    cross join lateral unnest(entered.usage_dates - coalesce(changed_dates.usage_dates, '{}')) as period (usage_dates)
)

select
    coalesce((select bool_and(month.is_right) from month), true) as every_stored_p95_matches_its_points,
    coalesce((select bool_and(slot.is_right) from slot), true) as every_stored_sum_matches_its_points,
    coalesce(
        (select bool_and(period.days = period.app_days) from period), true
    ) as every_recorded_date_is_in_the_ledger;
