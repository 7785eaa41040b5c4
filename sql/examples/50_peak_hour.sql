-- In which hour of the day (UTC) is the sum of all App IDs largest? The query covers the last 30 days, busiest hour
-- first.
select
    extract(hour from summed.interval_start at time zone 'UTC')::integer as hour_utc,
    round(avg(summed.kbps) / 1000, 3) as mean_mbps,
    round(max(summed.kbps) / 1000, 3) as peak_mbps,
    count(*) as points
from (
    select
        point.interval_start,
        sum(point.kbps) as kbps
    from mart.bandwidth_5min_total as point
    where point.usage_date >= current_date - 30
    group by point.interval_start
) as summed
group by hour_utc
order by mean_mbps desc, hour_utc asc;
