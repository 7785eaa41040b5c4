-- Which complete days in the last four weeks are unusual for the App ID on that weekday? A day is unusual if its peak
-- or its volume differs from the median by more than 3.5 × 1.4826 × MAD and by more than a fifth of the median. The
-- median and the MAD (median of the distances from the median) cover the same weekday in the eight previous weeks. At
-- least four of these days must be complete. For normally distributed figures, 1.4826 × MAD is the standard deviation,
-- and one unusual day among the eight does not change it. For an even number of figures, the median is the lower of the
-- two middle figures.
with figure as materialized (
    select
        daily.app_id,
        daily.app_name,
        daily.usage_date,
        measure.name,
        measure.value
    from mart.bandwidth_daily as daily
    inner join lateral (
        values ('peak_mbps', daily.peak_kbps / 1000), ('gigabytes', daily.volume_bytes / 1e9)
    ) as measure (name, value) on true
    where
        daily.usage_date >= current_date - 28 - 56
        and daily.points = daily.expected_points
),

compared as (
    select
        figure.app_id,
        figure.app_name,
        figure.usage_date,
        figure.name,
        figure.value,
        array_agg(before.value) as before_values,
        percentile_disc(0.5) within group (order by before.value) as median
    from figure
    cross join generate_series(7, 56, 7) as back (days)
    inner join figure as before
        on
            figure.app_id = before.app_id
            and figure.name = before.name
            and figure.usage_date - back.days = before.usage_date
    where figure.usage_date >= current_date - 28
    group by figure.app_id, figure.app_name, figure.usage_date, figure.name, figure.value
    having count(*) >= 4
)

select
    compared.app_id,
    compared.app_name,
    compared.usage_date,
    compared.name as measure,
    round(compared.value, 3) as value,
    round(compared.median, 3) as median,
    round(spread.mad, 3) as mad,
    round(100 * compared.value / nullif(compared.median, 0) - 100, 3) as difference_percent
from compared
inner join lateral (
    select percentile_disc(0.5) within group (order by abs(before.value - compared.median)) as mad
    from unnest(compared.before_values) as before (value)
) as spread on true
where
    abs(compared.value - compared.median) > 3.5 * 1.4826 * spread.mad
    and abs(compared.value - compared.median) > 0.2 * compared.median
order by compared.usage_date desc, compared.app_id asc, compared.name asc;
