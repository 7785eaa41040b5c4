-- Which ten five-minute intervals of last month had the most traffic for all App IDs together, and which App ID had the
-- most traffic in each interval? The column apps counts the apps with a point. A sum that lacks an app is too low.
with busiest as (
    select
        point.interval_start,
        sum(point.kbps) as kbps,
        sum(point.apps) as apps,
        -- In different time zones, one interval belongs to different usage dates.
        min(point.usage_date) as first_usage_date,
        max(point.usage_date) as last_usage_date
    from mart.bandwidth_5min_total as point
    where
        point.usage_date >= date_trunc('month', current_date - interval '1 month')
        and point.usage_date < date_trunc('month', current_date)
    group by point.interval_start
    order by kbps desc, point.interval_start asc
    limit 10
)

select
    busiest.interval_start,
    round(busiest.kbps / 1000, 3) as total_mbps,
    busiest.apps,
    largest.app_id as largest_app_id,
    largest.app_name as largest_app_name,
    round(largest.kbps / 1000, 3) as largest_app_mbps,
    round(100 * largest.kbps / nullif(busiest.kbps, 0), 3) as largest_app_percent
from busiest
inner join lateral (
    select
        point.app_id,
        point.app_name,
        point.kbps::numeric as kbps
    from mart.bandwidth_5min as point
    where
        point.usage_date between busiest.first_usage_date and busiest.last_usage_date
        and point.interval_start = busiest.interval_start
    order by point.kbps desc, point.app_id asc
    limit 1
) as largest on true
order by busiest.kbps desc, busiest.interval_start asc;
