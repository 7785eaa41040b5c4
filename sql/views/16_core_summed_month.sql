-- Grain: one row per billing group and calendar month in which an app of the group has an expected day or points. An
-- empty group is the sum of all apps. Key: billing_group, month. Unit: kbps, with three decimal places. Points are
-- summed per five-minute interval and then ranked. The counts come from the calendars of the apps, and the figures from
-- the stored sums, so the app-days are not read. Filter on billing_group and month. Consumers:
-- mart.billing_monthly_total, mart.billing_monthly_group, mart.bandwidth_trend.
create or replace view core.summed_month as
select
    month.billing_group,
    month.month,
    case
        when month.is_running then 'running'
        when total.app_points < 288 * month.app_days then 'incomplete'
        when month.is_partly_expected then 'part of the month'
        else 'final'
    end as status,
    total.points,
    288 * mart.days_in(month.past_dates) as expected_points,
    upper(month.dates) - lower(month.dates) as calendar_days,
    mart.days_in(month.expected_dates) as expected_days,
    total.days,
    total.days_with_traffic,
    total.p95_kbps,
    total.peak_kbps,
    total.mean_daily_peak_kbps,
    total.mean_daily_p95_kbps,
    total.fourth_peak_kbps,
    total.top_five_mean_kbps,
    total.app_points,
    288 * month.app_days as expected_app_points
from (
    select
        sum_of.billing_group,
        calendar.month,
        calendar.dates,
        bool_or(app.today < upper(calendar.dates)) as is_running,
        bool_or(
            not isempty(app.configured_dates * datemultirange(calendar.dates) - app.past_dates)
        ) as is_partly_expected,
        sum(app.apps * mart.days_in(app.past_dates * datemultirange(calendar.dates)))::bigint as app_days,
        range_agg(app.past_dates * datemultirange(calendar.dates)) as past_dates,
        range_agg(
            (app.past_dates + app.all_expected_dates * datemultirange(daterange(app.today, null)))
            * datemultirange(calendar.dates)
        ) as expected_dates
    -- Apps with the same calendar are counted together.
    from (
        select
            own.billing_group,
            own.today,
            own.configured_dates,
            own.all_expected_dates,
            own.past_dates,
            count(*) as apps
        from core.app_past_dates as own
        group by
            own.billing_group,
            own.today,
            own.configured_dates,
            own.all_expected_dates,
            own.past_dates
    ) as app
    cross join lateral (values (app.billing_group), ('')) as sum_of (billing_group)
    cross join
        lateral generate_series(
            date_trunc('month', lower(app.past_dates)::timestamp), upper(app.past_dates)::timestamp, interval '1 month'
        ) as first (day)
    cross join
        lateral (
            select
                first.day::date as month,
                daterange(first.day::date, (first.day + interval '1 month')::date) as dates
        ) as calendar
    where app.past_dates && calendar.dates
    group by sum_of.billing_group, calendar.month, calendar.dates
) as month
cross join lateral mart.summed_figures(
    lower(month.dates), upper(month.dates) - 1, nullif(month.billing_group, ''), null
) as total;

comment on view core.summed_month is
'Grain: one row per billing group and calendar month, with the bill for the sum of the group''s apps. An empty group is'
' the sum of all apps. See mart.billing_monthly_total for the columns.';
comment on column core.summed_month.billing_group is 'Billing group; empty for all apps.';
comment on column core.summed_month.month is 'First day of the calendar month.';
comment on column core.summed_month.status is
'running, incomplete, part of the month or final. See mart.billing_monthly_total.';
comment on column core.summed_month.points is 'Number of five-minute intervals in which any app has a point.';
comment on column core.summed_month.expected_points is
'288 × the number of days in the month, up to yesterday, on which any app is expected or has points.';
comment on column core.summed_month.calendar_days is 'Number of days in the calendar month.';
comment on column core.summed_month.expected_days is
'Number of days in the month, including future days, on which any app is expected or has points.';
comment on column core.summed_month.days is 'Number of days with at least one point.';
comment on column core.summed_month.days_with_traffic is 'Number of days with a sum above zero.';
comment on column core.summed_month.p95_kbps is '95th percentile of the sums, kbps.';
comment on column core.summed_month.peak_kbps is 'Largest sum in the month, kbps.';
comment on column core.summed_month.mean_daily_peak_kbps is 'Sum of the daily peaks ÷ days, kbps.';
comment on column core.summed_month.mean_daily_p95_kbps is 'Sum of the daily 95th percentiles ÷ days, kbps.';
comment on column core.summed_month.fourth_peak_kbps is
'Fourth-largest daily peak, kbps; null if there are fewer than four days.';
comment on column core.summed_month.top_five_mean_kbps is 'Mean of the five largest daily fifth peaks, kbps.';
comment on column core.summed_month.app_points is 'Number of observed points, counted per app.';
comment on column core.summed_month.expected_app_points is
'288 × the number of app-days in the month, up to yesterday, that are expected or have points.';
