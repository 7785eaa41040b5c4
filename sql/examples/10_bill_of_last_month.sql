-- What is last month's bill by every common method? One row per App ID, in Mbps (1 Mbps = 1,000 kbps).
-- The status is final if no expected point is absent and every calendar day was expected. If the status is incomplete,
-- some of the expected_points are absent. If it is part of the month, the figures cover only expected_days out of
-- calendar_days. In a final month, expected_days is smaller than calendar_days only if collect_from or collect_until
-- leaves out the other days.
select
    bill.app_id,
    bill.app_name,
    round(bill.p95_kbps / 1000, 3) as p95_mbps,
    round(bill.peak_kbps / 1000, 3) as peak_mbps,
    round(bill.mean_daily_peak_kbps / 1000, 3) as mean_daily_peak_mbps,
    round(bill.mean_daily_p95_kbps / 1000, 3) as mean_daily_p95_mbps,
    round(bill.fourth_peak_kbps / 1000, 3) as fourth_peak_mbps,
    round(bill.top_five_mean_kbps / 1000, 3) as top_five_mean_mbps,
    bill.points,
    bill.expected_points,
    bill.expected_days,
    bill.calendar_days,
    bill.status
from mart.billing_monthly as bill
where bill.month = date_trunc('month', current_date - interval '1 month')::date
order by bill.p95_kbps desc nulls last, bill.app_id asc;
