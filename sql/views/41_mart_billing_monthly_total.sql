-- Grain: one row per calendar month, with the bill for the sum of all apps. Points are summed per five-minute interval
-- and then ranked. Key: month. Unit: kbps, with three decimal places. A sum is too low if an app lacks an expected
-- point at that instant. The column points counts sums. app_points and expected_app_points count each app's points and
-- show whether the sums are complete. The status is the worst status of any app. Apps in different time zones are
-- summed by instant. If an instant has different usage dates in these zones, it belongs to the earliest one. Consumers:
-- analysts who check or predict an invoice for several App IDs that are billed together.
create or replace view mart.billing_monthly_total as
select
    month.month,
    month.status,
    month.status = 'final' as is_final,
    total.points,
    month.expected_points,
    month.calendar_days,
    month.expected_days,
    total.days,
    total.days_with_traffic,
    round(total.p95_kbps::numeric, 3) as p95_kbps,
    round(total.peak_kbps::numeric, 3) as peak_kbps,
    round(total.mean_daily_peak_kbps::numeric, 3) as mean_daily_peak_kbps,
    round(total.mean_daily_p95_kbps::numeric, 3) as mean_daily_p95_kbps,
    round(total.daily_peaks_kbps[4]::numeric, 3) as fourth_peak_kbps,
    round(top_five.mean_kbps::numeric, 3) as top_five_mean_kbps,
    month.app_points,
    month.expected_app_points
from (
    select
        app.month,
        app.calendar_days,
        288 * bit_count(bit_or(app.past_day_bits)::bit(32)) as expected_points,
        bit_count(bit_or(app.expected_day_bits)::bit(32)) as expected_days,
        sum(app.points)::bigint as app_points,
        288 * sum(app.past_days)::bigint as expected_app_points,
        case
            when bool_or(app.status = 'running') then 'running'
            when sum(app.points) < 288 * sum(app.past_days) then 'incomplete'
            when bool_or(app.status = 'part of the month') then 'part of the month'
            else 'final'
        end as status
    from core.app_month as app
    group by app.month, app.calendar_days
) as month
inner join lateral (
    with point as materialized (
        select
            min(day.usage_date) as usage_date,
            sum(slot.kbps) as kbps
        from core.summed_day as day
        cross join lateral unnest(day.kbps) with ordinality as slot (kbps, number)
        where
            -- The usage dates of one instant are at most two days apart (UTC-12 and UTC+14).
            day.usage_date >= month.month - 2
            and day.usage_date < month.month + interval '1 month 2 days'
            and slot.kbps is not null
        group by day.starts_at + (slot.number - 1) * interval '5 minutes'
        having min(day.usage_date) >= month.month and min(day.usage_date) < month.month + interval '1 month'
    )

    select
        coalesce(sum(day.points), 0)::bigint as points,
        count(*) as days,
        count(*) filter (where day.kbps[1] > 0) as days_with_traffic,
        max(day.kbps[1]) as peak_kbps,
        sum(day.kbps[1]) / count(*) as mean_daily_peak_kbps,
        sum(day.kbps[5 * day.points / 100 + 1]) / count(*) as mean_daily_p95_kbps,
        array_agg(day.kbps[1] order by day.kbps[1] desc) as daily_peaks_kbps,
        array_agg(day.kbps[5] order by day.kbps[5] desc nulls last) as daily_fifths_kbps,
        (select (array_agg(point.kbps order by point.kbps desc))[5 * count(*) / 100 + 1] from point) as p95_kbps
    from (
        select
            point.usage_date,
            count(*) as points,
            array_agg(point.kbps order by point.kbps desc) as kbps
        from point
        group by point.usage_date
    ) as day
) as total on true
cross join lateral (
    select sum(fifth.kbps) / count(fifth.kbps) as mean_kbps
    from unnest(total.daily_fifths_kbps[1:5]) as fifth (kbps)
) as top_five;

comment on view mart.billing_monthly_total is
'Grain: one row per calendar month, with the bill for the sum of all apps by every common method.';
comment on column mart.billing_monthly_total.month is 'First day of the calendar month.';
comment on column mart.billing_monthly_total.status is
'running (the month is not over for every app), incomplete (the month is over, but an expected point of an app is'
' absent), part of the month (the month is over, and an app has this status in mart.billing_monthly) or final.';
comment on column mart.billing_monthly_total.is_final is
'Whether the status is final, because the month is final for every app.';
comment on column mart.billing_monthly_total.points is 'Number of five-minute intervals in which any app has a point.';
comment on column mart.billing_monthly_total.expected_points is
'288 × the number of days in the month, up to yesterday, on which any app is expected or has points.';
comment on column mart.billing_monthly_total.calendar_days is 'Number of days in the calendar month.';
comment on column mart.billing_monthly_total.expected_days is
'Number of days in the month, including future days, on which any app is expected or has points.';
comment on column mart.billing_monthly_total.days is
'Number of days with at least one point. The means divide by this number.';
comment on column mart.billing_monthly_total.days_with_traffic is 'Number of days with a sum above zero.';
comment on column mart.billing_monthly_total.p95_kbps is
'95th percentile of the sums, kbps: the largest of N sums after the floor(5 N / 100) highest sums are dropped.';
comment on column mart.billing_monthly_total.peak_kbps is 'Largest sum in the month, kbps.';
comment on column mart.billing_monthly_total.mean_daily_peak_kbps is 'Sum of the daily peaks ÷ days, kbps.';
comment on column mart.billing_monthly_total.mean_daily_p95_kbps is
'Sum of the daily 95th percentiles ÷ days, kbps.';
comment on column mart.billing_monthly_total.fourth_peak_kbps is
'Fourth-largest daily peak, kbps; null if there are fewer than four days.';
comment on column mart.billing_monthly_total.top_five_mean_kbps is
'Mean of the five largest daily fifth peaks, kbps. If there are fewer than five, the mean of all of them; null if'
' there are none.';
comment on column mart.billing_monthly_total.app_points is 'Number of observed points, counted per app.';
comment on column mart.billing_monthly_total.expected_app_points is
'288 × the number of app-days in the month, up to yesterday, that are expected or have points.';
