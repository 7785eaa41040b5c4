-- Which ten App IDs carried most in the last 30 days? Volume in gigabytes (10^9 bytes), if a point is an average.
select
    daily.app_id,
    sum(daily.volume_bytes) / 1e9 as gigabytes,
    max(daily.peak_kbps) / 1000 as peak_mbps,
    sum(daily.points) as points,
    sum(daily.expected_points) as expected_points
from mart.bandwidth_daily as daily
where daily.usage_date >= current_date - 30
group by daily.app_id
order by gigabytes desc nulls last, daily.app_id asc
limit 10;
