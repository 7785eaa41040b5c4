-- Return the figures of a bill for the sum of several apps over any usage dates. Points are summed per five-minute
-- interval and then ranked. Apps in different time zones are summed by instant. If an instant has different usage dates
-- in these zones, it belongs to the earliest one. Unit: kbps, with three decimal places. Consumers:
-- mart.billing_between, mart.days_until_commit.
-- noqa: disable=RF02,RF03
-- (No table could qualify a parameter.)

-- Grain: one row per five-minute interval in which at least one app has a point.
create or replace function core.summed_point(from_date date, to_date date, of_group text, of_apps text[])
returns table (usage_date date, kbps double precision)
language sql stable
begin atomic
    with slot as (
        -- Sums that are stored per group and day.
        select
            day.usage_date,
            day.starts_at + (slot.number - 1) * interval '5 minutes' as interval_start,
            slot.kbps
        from core.summed_day as day
        cross join lateral unnest(day.kbps) with ordinality as slot (kbps, number)
        where
            of_apps is null
            and (of_group is null or day.billing_group = of_group)
            -- The usage dates of one instant lie at most two days apart (UTC-12 and UTC+14).
            and day.usage_date between from_date - 2 and to_date + 2
        union all
        select
            day.usage_date,
            day.starts_at + (slot.number - 1) * interval '5 minutes' as interval_start,
            slot.kbps
        from core.app_day_state as day
        inner join core.app_calendar as app on day.app_key = app.app_key
        cross join lateral unnest(day.kbps) with ordinality as slot (kbps, number)
        where
            app.app_id = any(of_apps)
            and (of_group is null or app.billing_group = of_group)
            and day.usage_date between from_date - 2 and to_date + 2
    )

    select
        min(slot.usage_date) as usage_date,
        sum(slot.kbps) as kbps
    from slot
    where slot.kbps is not null
    group by slot.interval_start
    having min(slot.usage_date) between from_date and to_date;
end;

comment on function core.summed_point is
'Return the sum of the rates per five-minute interval, for the apps of a group or for the given apps, over the usage'
' dates from from_date to to_date inclusive.';
revoke all on function core.summed_point from public;

create or replace function core.summed_figures(from_date date, to_date date, of_group text, of_apps text[])
returns table (
    points bigint,
    days bigint,
    days_with_traffic bigint,
    p95_kbps numeric,
    peak_kbps numeric,
    mean_daily_peak_kbps numeric,
    mean_daily_p95_kbps numeric,
    fourth_peak_kbps numeric,
    top_five_mean_kbps numeric
)
language sql stable
begin atomic
    with point as materialized (
        select
            summed.usage_date,
            summed.kbps
        from core.summed_point(from_date, to_date, of_group, of_apps) as summed
    ),

    day as materialized (
        select
            count(*) as points,
            array_agg(point.kbps order by point.kbps desc) as kbps
        from point
        group by point.usage_date
    )

    select
        coalesce(sum(day.points), 0)::bigint as points,
        count(*) as days,
        count(*) filter (where day.kbps[1] > 0) as days_with_traffic,
        (
            select round((array_agg(point.kbps order by point.kbps desc))[5 * count(*) / 100 + 1]::numeric, 3)
            from point
        ) as p95_kbps,
        round(max(day.kbps[1])::numeric, 3) as peak_kbps,
        round((sum(day.kbps[1]) / count(*))::numeric, 3) as mean_daily_peak_kbps,
        round((sum(day.kbps[5 * day.points / 100 + 1]) / count(*))::numeric, 3) as mean_daily_p95_kbps,
        round((array_agg(day.kbps[1] order by day.kbps[1] desc))[4]::numeric, 3) as fourth_peak_kbps,
        (
            select round((sum(fifth.kbps) / count(fifth.kbps))::numeric, 3)
            from (
                select of_day.kbps[5] as kbps from day as of_day
                order by of_day.kbps[5] desc nulls last
                limit 5
            ) as fifth
        ) as top_five_mean_kbps
    from day;
end;

comment on function core.summed_figures is
'Return the figures of a bill for the sum of the apps of a group or of given apps, over the usage dates from from_date'
' to to_date inclusive.';
revoke all on function core.summed_figures from public;
