-- Checks for app-days collected in the last two days that the figures stored with the points are equal to the result of
-- counting and sorting the points again. The bills are computed from these figures.
-- If it fails: do not trust the bills that contain these days. Either array_sort or the generated column does not work
-- correctly, for example after an upgrade of PostgreSQL, or the points were changed without updating the generated
-- column. Find the cause, then load the days again.
select
    coalesce(bool_and(app_day.points = recounted.points), true) as every_day_counts_its_points,
    coalesce(bool_and(cardinality(app_day.kbps) = 288), true) as every_day_has_288_slots,
    coalesce(
        bool_and(array_remove(app_day.top_kbps, null) = recounted.top_kbps), true
    ) as every_day_knows_its_largest_points,
    coalesce(
        bool_and(recounted.least_kbps >= 0 and recounted.most_kbps < 'infinity'), true
    ) as every_point_is_a_rate
from core.app_day as app_day
inner join lateral (
    select
        count(*) as points,
        min(point.kbps) as least_kbps,
        max(point.kbps) as most_kbps,
        coalesce((array_agg(point.kbps order by point.kbps desc))[1:15], '{}') as top_kbps
    from unnest(app_day.kbps) as point (kbps)
    where point.kbps is not null
) as recounted on true
where app_day.collected_at >= now() - interval '2 days' and app_day.kbps is not null;
