-- Which ten App IDs had the most traffic in the last 30 days? The volume is in gigabytes (10^9 bytes), assuming that a
-- point is an average. If the number of days differs, compare apps by gigabytes_a_day. For example, an app that was
-- added a week ago has seven days, not 30.
select
    daily.app_id,
    daily.app_name,
    round(sum(daily.volume_bytes) / 1e9, 3) as gigabytes,
    round(sum(daily.volume_bytes) / 1e9 / nullif(count(*) filter (where daily.points > 0), 0), 3) as gigabytes_a_day,
    round(max(daily.peak_kbps) / 1000, 3) as peak_mbps,
    count(*) filter (where daily.points > 0) as days,
    sum(daily.points) as points,
    sum(daily.expected_points) as expected_points
from mart.bandwidth_daily as daily
where daily.usage_date >= current_date - 30
group by daily.app_id, daily.app_name
order by gigabytes desc nulls last, daily.app_id asc
limit 10;
