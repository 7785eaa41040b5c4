-- What does last month cost, by every usual method? One row an App ID, in Mbps (1 Mbps = 1,000 kbps).
-- Until is_final is true a figure can still change; points of expected_points says how much of it is there.
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
    bill.is_final
from mart.billing_monthly as bill
where bill.month = date_trunc('month', current_date - interval '1 month')::date
order by bill.p95_kbps desc nulls last, bill.app_id asc;
