-- Which days are lost, and how many points does the bill lack? One row per App ID and month in the last year. The 95th
-- percentile covers the observed points. Partial days that are no longer available are included. Their observed points
-- are stored, and their other points are lost.
with gone as (
    select
        coverage.app_id,
        date_trunc('month', coverage.usage_date)::date as month,
        count(*) as lost_days,
        min(coverage.usage_date) as first_day,
        max(coverage.usage_date) as last_day,
        sum(288 - coverage.points) as lost_points
    from mart.coverage as coverage
    where
        coverage.usage_date >= date_trunc('month', current_date) - interval '11 months'
        and (coverage.state = 'lost' or (coverage.state = 'partial' and coverage.days_left < 0))
    group by coverage.app_id, date_trunc('month', coverage.usage_date)
)

select
    gone.app_id,
    bill.app_name,
    gone.month,
    gone.lost_days,
    gone.first_day,
    gone.last_day,
    gone.lost_points,
    bill.points,
    bill.expected_points,
    round(100.0 * gone.lost_points / bill.expected_points, 3) as lost_percent,
    round(bill.p95_kbps / 1000, 3) as p95_mbps
from gone
inner join mart.billing_monthly as bill on gone.app_id = bill.app_id and gone.month = bill.month
where bill.month >= date_trunc('month', current_date) - interval '11 months'
order by gone.month desc, gone.lost_points desc, gone.app_id asc;
