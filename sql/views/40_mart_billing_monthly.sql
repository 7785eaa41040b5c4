-- Grain: one row per App ID and calendar month with an expected day or with points. Key: app_id, month. Unit: kbps,
-- with three decimal places. Ranks are computed from the observed points with integer arithmetic. Absent points never
-- count as zero, and nothing is interpolated. The means divide by the number of days with at least one point.
-- Consumers: analysts who check or predict an invoice.
create or replace view mart.billing_monthly as
select
    month.app_id,
    month.app_name,
    month.month,
    month.status,
    month.status = 'final' as is_final,
    month.points,
    288 * month.past_days as expected_points,
    month.calendar_days,
    bit_count(month.expected_day_bits::bit(32)) as expected_days,
    month.days,
    month.days_with_traffic,
    round(coalesce(
        stored.p95_kbps,
        (
            select (array_agg(point.kbps order by point.kbps desc))[month.p95_rank]
            from (
                select unnest(app_day.kbps) as kbps
                from core.app_day_state as app_day
                where app_day.app_key = month.app_key and app_day.month = month.month and app_day.kbps is not null
            ) as point
            -- Skip the smaller 90 % of the points, because sorting them takes most of the time. The same rank among
            -- only the days' largest points gives a lower bound. Each day contributes at least floor(5 n / 100) + 1
            -- of these points, so all days together contribute at least floor(5 N / 100) + 1 = p95_rank.
            where
                point.kbps >= (
                    select (array_agg(top.kbps order by top.kbps desc nulls last))[month.p95_rank]
                    from unnest(month.tops_kbps) as top (kbps)
                )
        )
    )::numeric, 3) as p95_kbps,
    round(month.peak_kbps::numeric, 3) as peak_kbps,
    round(month.mean_daily_peak_kbps::numeric, 3) as mean_daily_peak_kbps,
    round(month.mean_daily_p95_kbps::numeric, 3) as mean_daily_p95_kbps,
    round(month.daily_peaks_kbps[4]::numeric, 3) as fourth_peak_kbps,
    round(top_five.mean_kbps::numeric, 3) as top_five_mean_kbps
from core.app_month as month
-- Only the percentile is stored, because its computation is slow. It is used while it is fresh and all its days have
-- ended.
left join core.fresh_month_p95 as stored
    on month.app_key = stored.app_key and month.month = stored.month and month.today > stored.last_day
cross join lateral (
    select sum(fifth.kbps) / count(fifth.kbps) as mean_kbps
    from unnest(month.daily_fifths_kbps[1:5]) as fifth (kbps)
) as top_five;

comment on view mart.billing_monthly is
'Grain: one row per App ID and calendar month, with the bill by every common method.';
comment on column mart.billing_monthly.app_id is 'The vendor''s App ID.';
comment on column mart.billing_monthly.app_name is 'Display name of the app.';
comment on column mart.billing_monthly.month is 'First day of the calendar month.';
comment on column mart.billing_monthly.status is
'running (the month is not over), incomplete (the month is over, but an expected point is absent), part of the month'
' (the month is over and no expected point is absent, but not every calendar day was expected) or final.';
comment on column mart.billing_monthly.is_final is
'Whether the status is final: the month is over, no expected point is absent, and every calendar day was expected,'
' except days that collect_from or collect_until leaves out.';
comment on column mart.billing_monthly.points is 'Number of observed points.';
comment on column mart.billing_monthly.expected_points is
'288 × the number of expected days in the month up to yesterday.';
comment on column mart.billing_monthly.calendar_days is 'Number of days in the calendar month.';
comment on column mart.billing_monthly.expected_days is
'Number of days in the month that are expected, including future days, or that have points.';
comment on column mart.billing_monthly.days is
'Number of days with at least one point. The means divide by this number.';
comment on column mart.billing_monthly.days_with_traffic is 'Number of days with a point above zero.';
comment on column mart.billing_monthly.p95_kbps is
'95th percentile, kbps: the largest of N points after the floor(5 N / 100) highest points are dropped.';
comment on column mart.billing_monthly.peak_kbps is 'Largest point in the month, kbps.';
comment on column mart.billing_monthly.mean_daily_peak_kbps is 'Sum of the daily peaks ÷ days, kbps.';
comment on column mart.billing_monthly.mean_daily_p95_kbps is 'Sum of the daily 95th percentiles ÷ days, kbps.';
comment on column mart.billing_monthly.fourth_peak_kbps is
'Fourth-largest daily peak, kbps; null if there are fewer than four days.';
comment on column mart.billing_monthly.top_five_mean_kbps is
'Mean of the five largest daily fifth peaks, kbps. If there are fewer than five, the mean of all of them; null if'
' there are none.';
