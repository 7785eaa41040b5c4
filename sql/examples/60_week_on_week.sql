-- How did last week (Monday to Sunday) compare with the week before? One row per App ID. The volume is in gigabytes
-- (10^9 bytes), assuming that a point is an average. A complete week has 2016 points. change_percent is null unless
-- both weeks are complete.
with daily as (
    select
        day.*,
        day.usage_date >= date_trunc('week', current_date) - interval '1 week' as is_last_week
    from mart.bandwidth_daily as day
    where
        day.usage_date >= date_trunc('week', current_date) - interval '2 weeks'
        and day.usage_date < date_trunc('week', current_date)
)

select
    daily.app_id,
    daily.app_name,
    round(sum(daily.volume_bytes) filter (where daily.is_last_week) / 1e9, 3) as gigabytes,
    round(sum(daily.volume_bytes) filter (where not daily.is_last_week) / 1e9, 3) as gigabytes_week_before,
    case
        when
            sum(daily.points) filter (where daily.is_last_week) = 2016
            and sum(daily.points) filter (where not daily.is_last_week) = 2016
            then
                round(
                    100 * sum(daily.volume_bytes) filter (where daily.is_last_week)
                    / nullif(sum(daily.volume_bytes) filter (where not daily.is_last_week), 0)
                    - 100,
                    3
                )
    end as change_percent,
    round(max(daily.peak_kbps) filter (where daily.is_last_week) / 1000, 3) as peak_mbps,
    round(max(daily.peak_kbps) filter (where not daily.is_last_week) / 1000, 3) as peak_week_before_mbps,
    coalesce(sum(daily.points) filter (where daily.is_last_week), 0) as points,
    coalesce(sum(daily.points) filter (where not daily.is_last_week), 0) as points_week_before
from daily
group by daily.app_id, daily.app_name
order by gigabytes desc nulls last, daily.app_id asc;
