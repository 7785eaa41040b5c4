-- How much traffic did each App ID have in each of the last twelve months? The volume is in gigabytes (10^9 bytes),
-- assuming that a point is an average. Compare only months whose status is final and whose expected_days equal
-- calendar_days. In months with the status running, incomplete or part of the month, the volume lacks days or points.
with monthly as (
    select
        date_trunc('month', daily.usage_date)::date as month,
        daily.app_id,
        round(sum(daily.volume_bytes) / 1e9, 3) as gigabytes
    from mart.bandwidth_daily as daily
    where daily.usage_date >= date_trunc('month', current_date) - interval '11 months'
    group by date_trunc('month', daily.usage_date), daily.app_id
)

select
    monthly.month,
    monthly.app_id,
    bill.app_name,
    monthly.gigabytes,
    bill.points,
    bill.expected_points,
    bill.expected_days,
    bill.calendar_days,
    bill.status
from monthly
inner join mart.billing_monthly as bill on monthly.app_id = bill.app_id and monthly.month = bill.month
where bill.month >= date_trunc('month', current_date) - interval '11 months'
order by monthly.month desc, monthly.gigabytes desc nulls last, monthly.app_id asc;
