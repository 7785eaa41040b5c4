-- Checks for app-days collected in the last two days that the figures stored with the points are equal to the result of
-- counting, adding up and sorting the points again. The bills are computed from these figures.
-- If it fails: do not trust the bills that contain these days. Something other than agora.warehouse.merge_app_days
-- changed the points or the figures, or the loader computed a figure incorrectly. Find the cause, then compute the days
-- again from their stored responses (agora_bandwidth_replay).
select
    coalesce(bool_and(app_day.points = recounted.points), true) as every_day_counts_its_points,
    coalesce(bool_and(cardinality(app_day.kbps) = 288), true) as every_day_has_288_slots,
    coalesce(
        bool_and(cardinality(app_day.top_kbps) = 15 and array_remove(app_day.top_kbps, null) = recounted.top_kbps), true
    ) as every_day_knows_its_largest_points,
    coalesce(
        -- The last digits of a sum of fractions depend on the order of addition.
        bool_and(
            app_day.sum_kbps is not distinct from recounted.sum_kbps
            or app_day.kbps_float8 is not null
            and abs(app_day.sum_kbps - recounted.sum_kbps) <= 1e-9 * recounted.sum_kbps
        ), true
    ) as every_day_knows_its_sum,
    coalesce(
        bool_and(recounted.least_kbps >= 0 and recounted.most_kbps < 'infinity'), true
    ) as every_point_is_a_rate
from core.app_day as app_day
inner join lateral (
    select
        count(*) as points,
        sum(point.kbps) as sum_kbps,
        min(point.kbps) as least_kbps,
        max(point.kbps) as most_kbps,
        coalesce((array_agg(point.kbps order by point.kbps desc))[1:15], '{}') as top_kbps
    from unnest(app_day.kbps) as point (kbps)
    where point.kbps is not null
) as recounted on true
where app_day.collected_at >= now() - interval '2 days' and app_day.verified_at is not null;
