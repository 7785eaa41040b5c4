-- What does each billing group owe for the last finished and the running billing period? One row per group with a
-- contract and per period, in Mbps (1 Mbps = 1,000 kbps). If app_points is smaller than expected_app_points, points are
-- missing and the rate may be too low. The projections and days_until_commit are null unless the period is running.
select
    bill.billing_group,
    bill.period_start,
    bill.period_end,
    bill.status,
    bill.method,
    round(bill.billable_kbps / 1000, 3) as billable_mbps,
    round(bill.commit_kbps / 1000, 3) as commit_mbps,
    round(bill.overage_kbps / 1000, 3) as overage_mbps,
    bill.amount,
    bill.currency,
    round(bill.projected_kbps / 1000, 3) as projected_mbps,
    bill.projected_amount,
    bill.days_until_commit,
    bill.app_points,
    bill.expected_app_points
from mart.billing_statement as bill
-- Before this month's billing day, the running period began last month, and the last finished period one month earlier.
where bill.month >= date_trunc('month', current_date - interval '2 months')::date
order by bill.billing_group asc, bill.month desc;
