-- Return the figures of a bill for the sum of several apps over any usage dates. Points are summed per five-minute
-- interval and then ranked. Apps in different time zones are summed by instant. If an instant has different usage dates
-- in these zones, it belongs to the earliest one. Unit: kbps, with three decimal places. Consumers: core.summed_month,
-- mart.billing_between, mart.bandwidth_trend, mart.days_until_commit.
-- noqa: disable=RF02,RF03
-- (No table could qualify a parameter.)

-- One aggregate per slot sums days in a seventh of the time of unnesting their points.
create or replace function core.per_slot(expression text)
returns text
language sql immutable set search_path = pg_catalog, pg_temp
begin atomic
    select string_agg(replace(expression, '#', slot::text), ', ' order by slot)
    from generate_series(1, 288) as slot;
end;

comment on function core.per_slot is
'Return a comma-separated SQL list with one expression per five-minute slot. # stands for the number of the slot.';
revoke all on function core.per_slot from public;

-- Grain: one row per usage date and start of the day, with the sum of the given apps. The sums of groups are stored,
-- but any other sum is computed from the points. Days whose points are stored as integers and days whose points are
-- stored as floating-point numbers have separate rows.
create or replace function core.sum_of_apps(from_date date, to_date date, of_group text, of_apps text[])
returns table (usage_date date, starts_at timestamptz, kbps double precision[], app_points bigint)
-- Compiling hundreds of expressions would take longer than the query.
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off
as $$
begin
    return query execute (
        select string_agg(
            format(
                'select app_day.usage_date, app_day.starts_at, array[%s]::double precision[], sum(app_day.points)'
                ' from core.app_day as app_day inner join core.app_calendar as app using (app_key)'
                ' where app.app_id = any($4) and ($3 is null or app.billing_group = $3)'
                ' and app_day.usage_date between $1 and $2 and app_day.usage_date < app.today'
                ' and app_day.points > 0 and app_day.%I is not null'
                ' group by app_day.usage_date, app_day.starts_at',
                core.per_slot(format('sum(app_day.%I[#])', stored.name)),
                stored.name
            ),
            ' union all '
        )
        from unnest(array['kbps_int4', 'kbps_float8']) as stored (name)
    )
    using from_date, to_date, of_group, of_apps;
end
$$;

comment on function core.sum_of_apps is
'Return the sums of the given apps per five-minute slot, for the usage dates from from_date to to_date inclusive.';
revoke all on function core.sum_of_apps from public;

-- Grain: one row per usage date on which an app of the sum has points.
create or replace function core.summed_days(from_date date, to_date date, of_group text, of_apps text[])
returns table (
    usage_date date,
    points integer,
    top_kbps double precision[],
    kbps double precision[],
    app_points bigint
)
language sql stable
begin atomic
    with day as (
        select
            summed.usage_date,
            summed.starts_at,
            summed.points,
            summed.top_kbps,
            summed.kbps,
            summed.app_points
        from core.summed_day as summed
        where
            of_apps is null
            and summed.billing_group = coalesce(of_group, '')
            -- The usage dates of one instant lie at most two days apart (UTC-12 and UTC+14).
            and summed.usage_date between from_date - 2 and to_date + 2
        union all
        select
            summed.usage_date,
            summed.starts_at,
            cardinality(array_remove(summed.kbps, null)) as points,
            array_sort(summed.kbps, true, false) as top_kbps,
            summed.kbps,
            summed.app_points
        from core.sum_of_apps(from_date - 2, to_date + 2, of_group, of_apps) as summed
        where of_apps is not null
    ),

    -- Unless apps are in several time zones, each date has one row, and no two rows share an instant.
    placed as materialized (
        select
            day.usage_date,
            day.starts_at,
            day.points,
            day.top_kbps,
            day.kbps,
            day.app_points,
            count(*) over (partition by day.usage_date) = 1
            and coalesce(day.starts_at - lag(day.starts_at) over by_start >= interval '24 hours', true)
            and coalesce(lead(day.starts_at) over by_start - day.starts_at >= interval '24 hours', true) as is_alone
        from day
        window by_start as (order by day.starts_at)
    ),

    shared as (
        select
            point.usage_date,
            count(*)::integer as points,
            array_agg(point.kbps order by point.kbps desc) as kbps
        from (
            select
                min(placed.usage_date) as usage_date,
                sum(slot.kbps) as kbps
            from placed
            cross join lateral unnest(placed.kbps) with ordinality as slot (kbps, number)
            where not placed.is_alone and slot.kbps is not null
            group by placed.starts_at + (slot.number - 1) * interval '5 minutes'
        ) as point
        group by point.usage_date
    )

    select
        placed.usage_date,
        placed.points,
        placed.top_kbps,
        placed.kbps,
        placed.app_points
    from placed
    where placed.is_alone and placed.usage_date between from_date and to_date
    union all
    select
        app.usage_date,
        coalesce(shared.points, 0) as points,
        shared.kbps as top_kbps,
        shared.kbps,
        app.app_points
    from (
        select
            placed.usage_date,
            sum(placed.app_points)::bigint as app_points
        from placed
        where not placed.is_alone and placed.usage_date between from_date and to_date
        group by placed.usage_date
    ) as app
    left join shared on app.usage_date = shared.usage_date;
end;

comment on function core.summed_days is
'Return each usage date from from_date to to_date inclusive, with the sums per five-minute interval for the apps of a'
' group, for all apps, or for the given apps. top_kbps is in descending order and contains at least the largest'
' floor(5 points / 100) + 1 sums.';
revoke all on function core.summed_days from public;

-- The function is in mart, because views call it with the rights of their readers, who may not read core. It runs with
-- the owner's rights and returns nothing that mart.billing_between does not return. 60_core_delete_old.sql explains the
-- search_path.
create or replace function mart.summed_figures(from_date date, to_date date, of_group text, of_apps text[])
returns table (
    points bigint,
    days bigint,
    days_with_traffic bigint,
    p95_kbps numeric,
    peak_kbps numeric,
    mean_daily_peak_kbps numeric,
    mean_daily_p95_kbps numeric,
    fourth_peak_kbps numeric,
    top_five_mean_kbps numeric,
    app_points bigint
)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    with day as materialized (
        select
            summed.points,
            summed.top_kbps,
            summed.kbps,
            summed.app_points
        from core.summed_days(from_date, to_date, of_group, of_apps) as summed
    ),

    period as (
        select
            coalesce(sum(day.points), 0)::bigint as points,
            coalesce(sum(day.app_points), 0)::bigint as app_points,
            count(day.top_kbps[1]) as days,
            count(*) filter (where day.top_kbps[1] > 0) as days_with_traffic,
            max(day.top_kbps[1]) as peak_kbps,
            sum(day.top_kbps[1]) / count(day.top_kbps[1]) as mean_daily_peak_kbps,
            sum(day.top_kbps[5 * day.points / 100 + 1]) / count(day.top_kbps[1]) as mean_daily_p95_kbps,
            (array_agg(day.top_kbps[1] order by day.top_kbps[1] desc nulls last))[4] as fourth_peak_kbps,
            (array_agg(day.top_kbps[5] order by day.top_kbps[5] desc nulls last))[1:5] as top_fifths_kbps
        from day
    )

    select
        period.points,
        period.days,
        period.days_with_traffic,
        (
            select round((array_agg(point.kbps order by point.kbps desc))[5 * period.points / 100 + 1]::numeric, 3)
            from day
            cross join lateral unnest(day.kbps) as point (kbps)
            -- As in mart.billing_monthly: ranked among the days' largest sums, the rank gives a lower bound.
            where
                point.kbps >= (
                    select (array_agg(top.kbps order by top.kbps desc nulls last))[5 * period.points / 100 + 1]
                    from day as of_day
                    cross join lateral unnest(of_day.top_kbps) as top (kbps)
                )
        ) as p95_kbps,
        round(period.peak_kbps::numeric, 3) as peak_kbps,
        round(period.mean_daily_peak_kbps::numeric, 3) as mean_daily_peak_kbps,
        round(period.mean_daily_p95_kbps::numeric, 3) as mean_daily_p95_kbps,
        round(period.fourth_peak_kbps::numeric, 3) as fourth_peak_kbps,
        (
            select round((sum(fifth.kbps) / count(fifth.kbps))::numeric, 3)
            from unnest(period.top_fifths_kbps) as fifth (kbps)
        ) as top_five_mean_kbps,
        period.app_points
    from period;
end;

comment on function mart.summed_figures is
'Return the figures of a bill for the sum of the apps of a group, of all apps or of given apps, over the usage dates'
' from from_date to to_date inclusive.';
revoke all on function mart.summed_figures from public;
grant execute on function mart.summed_figures to analyst, loader;
