-- What does last month cost, by every usual method? One row per App ID, in Mbps (1 Mbps = 1,000 kbps).
-- status is final if no expected point is absent and every calendar day was expected. Otherwise the figures lack
-- points of expected_points (incomplete), or cover only expected_days of calendar_days (part of the month). A final
-- month has fewer expected_days only if collect_from or collect_until leaves the other days out.
select
    bill.app_id,
    bill.p95_kbps / 1000 as p95_mbps,
    bill.peak_kbps / 1000 as peak_mbps,
    bill.mean_daily_peak_kbps / 1000 as mean_daily_peak_mbps,
    bill.mean_daily_p95_kbps / 1000 as mean_daily_p95_mbps,
    bill.fourth_peak_kbps / 1000 as fourth_peak_mbps,
    bill.top_five_mean_kbps / 1000 as top_five_mean_mbps,
    bill.points,
    bill.expected_points,
    bill.expected_days,
    bill.calendar_days,
    bill.status
from mart.billing_monthly as bill
where bill.month = date_trunc('month', current_date - interval '1 month')::date
order by bill.p95_kbps desc nulls last, bill.app_id asc;
