-- How fast does the 95th percentile of all App IDs together grow? One row a month of the last year; trend_mbps is
-- the slope of the straight line through the months that are over, up to the row's, in Mbps a month. A month that
-- is not final can still change, and lacks what points_of_apps lacks of expected_points_of_apps; days says how many
-- days it is over.
with by_month as (
    select
        total.*,
        12 * extract(year from total.month) + extract(month from total.month) as month_number,
        case when total.month < date_trunc('month', current_date) then total.p95_kbps end as p95_of_whole_month_kbps
    from mart.billing_monthly_total as total
    where total.month >= date_trunc('month', current_date) - interval '11 months'
)

select
    by_month.month,
    by_month.days,
    by_month.p95_kbps / 1000 as p95_mbps,
    (by_month.p95_kbps - lag(by_month.p95_kbps) over so_far) / 1000 as growth_mbps,
    100 * by_month.p95_kbps / nullif(lag(by_month.p95_kbps) over so_far, 0) - 100 as growth_percent,
    regr_slope(by_month.p95_of_whole_month_kbps / 1000, by_month.month_number) over so_far as trend_mbps,
    by_month.peak_kbps / 1000 as peak_mbps,
    by_month.app_points as points_of_apps,
    by_month.expected_app_points as expected_points_of_apps,
    by_month.is_final
from by_month
window so_far as (order by by_month.month)
order by by_month.month asc;
