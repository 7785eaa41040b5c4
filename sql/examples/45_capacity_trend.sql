-- How fast does the 95th percentile of all App IDs together grow? One row per month in the last year. growth_mbps and
-- growth_percent compare a month with the previous month. trend_mbps is the slope of the regression line through all
-- months up to the row's month, in Mbps per month. Growth and trend use only months whose status is final and whose
-- expected_days equal calendar_days. For other months, the growth is null, and the trend leaves them out.
with by_month as (
    select
        total.*,
        12 * extract(year from total.month) + extract(month from total.month) as month_number,
        case
            when total.is_final and total.expected_days = total.calendar_days then total.p95_kbps
        end as comparable_p95_kbps
    from mart.billing_monthly_total as total
    where total.month >= date_trunc('month', current_date) - interval '11 months'
),

compared as (
    select
        by_month.*,
        max(by_month.comparable_p95_kbps) over month_before as comparable_p95_kbps_before,
        regr_slope(by_month.comparable_p95_kbps / 1000, by_month.month_number) over so_far as trend_mbps
    from by_month
    window
        so_far as (order by by_month.month),
        month_before as (
            order by by_month.month range between interval '1 month' preceding and interval '1 month' preceding
        )
)

select
    compared.month,
    compared.days,
    compared.expected_days,
    compared.calendar_days,
    round(compared.p95_kbps / 1000, 3) as p95_mbps,
    round((compared.comparable_p95_kbps - compared.comparable_p95_kbps_before) / 1000, 3) as growth_mbps,
    round(
        100 * compared.comparable_p95_kbps / nullif(compared.comparable_p95_kbps_before, 0) - 100, 3
    ) as growth_percent,
    round(compared.trend_mbps::numeric, 3) as trend_mbps,
    round(compared.peak_kbps / 1000, 3) as peak_mbps,
    compared.app_points as points_of_apps,
    compared.expected_app_points as expected_points_of_apps,
    compared.status
from compared
order by compared.month asc;
