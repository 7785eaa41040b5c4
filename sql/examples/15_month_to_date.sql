-- How does this month so far compare with the same days of last month? One row per App ID, up to yesterday. The volume
-- is in gigabytes (10^9 bytes), assuming that a point is an average. On the first day of a month, the query compares
-- the two previous months. change_percent is null unless every day of both periods is complete, because different
-- numbers of days are not comparable. From the 29th onwards, a shorter previous month lacks days.
with daily as (
    select
        day.*,
        day.usage_date >= date_trunc('month', current_date - 1) as is_this_month
    from mart.bandwidth_daily as day
    where
        day.usage_date >= date_trunc('month', current_date - 1) - interval '1 month'
        and extract(day from day.usage_date) <= extract(day from current_date - 1)
)

select
    daily.app_id,
    daily.app_name,
    round(sum(daily.volume_bytes) filter (where daily.is_this_month) / 1e9, 3) as gigabytes,
    round(sum(daily.volume_bytes) filter (where not daily.is_this_month) / 1e9, 3) as gigabytes_last_month,
    case
        when
            sum(daily.points) filter (where daily.is_this_month) = 288 * extract(day from current_date - 1)
            and sum(daily.points) filter (where not daily.is_this_month) = 288 * extract(day from current_date - 1)
            then
                round(
                    100 * sum(daily.volume_bytes) filter (where daily.is_this_month)
                    / nullif(sum(daily.volume_bytes) filter (where not daily.is_this_month), 0)
                    - 100,
                    3
                )
    end as change_percent,
    round(max(daily.peak_kbps) filter (where daily.is_this_month) / 1000, 3) as peak_mbps,
    round(max(daily.peak_kbps) filter (where not daily.is_this_month) / 1000, 3) as peak_last_month_mbps,
    coalesce(sum(daily.points) filter (where daily.is_this_month), 0) as points,
    coalesce(sum(daily.points) filter (where not daily.is_this_month), 0) as points_last_month
from daily
group by daily.app_id, daily.app_name
order by gigabytes desc nulls last, daily.app_id asc;
