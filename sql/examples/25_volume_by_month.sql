-- How much did each project (App ID) carry in each of the last twelve months? Volume in gigabytes (10^9 bytes), if a
-- point is an average; points of expected_points says how much of the month it is over.
select
    date_trunc('month', daily.usage_date)::date as month,
    daily.app_id,
    sum(daily.volume_bytes) / 1e9 as gigabytes,
    sum(daily.points) as points,
    sum(daily.expected_points) as expected_points
from mart.bandwidth_daily as daily
where daily.usage_date >= date_trunc('month', current_date) - interval '11 months'
group by date_trunc('month', daily.usage_date), daily.app_id
order by month desc, gigabytes desc nulls last, daily.app_id asc;
