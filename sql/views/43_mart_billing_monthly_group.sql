-- Grain: one row per billing group and calendar month, with the bill for the sum of the group's apps. Points are summed
-- per five-minute interval and then ranked. Key: billing_group, month. Unit: kbps, with three decimal places. The rules
-- are those of mart.billing_monthly_total. Consumers: analysts who check or predict one invoice per customer or
-- contract.
create or replace view mart.billing_monthly_group as
select
    month.billing_group,
    month.month,
    month.status,
    month.status = 'final' as is_final,
    month.points,
    month.expected_points,
    month.calendar_days,
    month.expected_days::integer as expected_days,
    month.days,
    month.days_with_traffic,
    month.p95_kbps,
    month.peak_kbps,
    month.mean_daily_peak_kbps,
    month.mean_daily_p95_kbps,
    month.fourth_peak_kbps,
    month.top_five_mean_kbps,
    month.app_points,
    month.expected_app_points
from core.summed_month as month
where month.billing_group <> '';

comment on view mart.billing_monthly_group is
'Grain: one row per billing group and calendar month, with the bill for the sum of the group''s apps by every common'
' method.';
comment on column mart.billing_monthly_group.billing_group is 'Billing group. Default: the account of the apps.';
comment on column mart.billing_monthly_group.month is 'First day of the calendar month.';
comment on column mart.billing_monthly_group.status is
'running (the month is not over for every app), incomplete (the month is over, but an expected point of an app is'
' absent), part of the month (the month is over, and an app has this status in mart.billing_monthly) or final.';
comment on column mart.billing_monthly_group.is_final is
'Whether the status is final, because the month is final for every app.';
comment on column mart.billing_monthly_group.points is 'Number of five-minute intervals in which any app has a point.';
comment on column mart.billing_monthly_group.expected_points is
'288 × the number of days in the month, up to yesterday, on which any app is expected or has points.';
comment on column mart.billing_monthly_group.calendar_days is 'Number of days in the calendar month.';
comment on column mart.billing_monthly_group.expected_days is
'Number of days in the month, including future days, on which any app is expected or has points.';
comment on column mart.billing_monthly_group.days is
'Number of days with at least one point. The means divide by this number.';
comment on column mart.billing_monthly_group.days_with_traffic is 'Number of days with a sum above zero.';
comment on column mart.billing_monthly_group.p95_kbps is
'95th percentile of the sums, kbps: the largest of N sums after the floor(5 N / 100) highest sums are dropped.';
comment on column mart.billing_monthly_group.peak_kbps is 'Largest sum in the month, kbps.';
comment on column mart.billing_monthly_group.mean_daily_peak_kbps is 'Sum of the daily peaks ÷ days, kbps.';
comment on column mart.billing_monthly_group.mean_daily_p95_kbps is
'Sum of the daily 95th percentiles ÷ days, kbps.';
comment on column mart.billing_monthly_group.fourth_peak_kbps is
'Fourth-largest daily peak, kbps; null if there are fewer than four days.';
comment on column mart.billing_monthly_group.top_five_mean_kbps is
'Mean of the five largest daily fifth peaks, kbps. If there are fewer than five, the mean of all of them; null if'
' there are none.';
comment on column mart.billing_monthly_group.app_points is 'Number of observed points, counted per app.';
comment on column mart.billing_monthly_group.expected_app_points is
'288 × the number of app-days in the month, up to yesterday, that are expected or have points.';
