-- What is last month's 95th percentile for several App IDs that are billed together? The query sums the points per
-- five-minute interval and then ranks the sums. Adding the apps' 95th percentiles gives a different number. The example
-- uses the three apps with the largest peaks. Replace them with your own App IDs:
-- select unnest(array['…', '…']) as app_id.
with chosen as (
    select bill.app_id
    from mart.billing_monthly as bill
    where bill.month = date_trunc('month', current_date - interval '1 month')::date
    order by bill.peak_kbps desc nulls last, bill.app_id asc
    limit 3
),

summed as (
    select
        point.interval_start,
        round(sum(point.kbps)::numeric, 3) as kbps
    from mart.bandwidth_5min as point
    where
        point.usage_date >= date_trunc('month', current_date - interval '1 month')::date
        and point.usage_date < date_trunc('month', current_date)::date
        and point.app_id in (select chosen.app_id from chosen)
    group by point.interval_start
)

select
    count(*) as points,
    round((array_agg(summed.kbps order by summed.kbps desc))[5 * count(*) / 100 + 1] / 1000, 3) as p95_mbps,
    round(max(summed.kbps) / 1000, 3) as peak_mbps
from summed;
