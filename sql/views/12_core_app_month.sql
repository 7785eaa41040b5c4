-- Grain: one row per App ID and calendar month with an expected day or with points. Key: app_key, month. Unit: kbps.
-- The bills are computed from this view. The status depends on three facts: whether the month is over for the account,
-- which days are expected or have points, and which days collect_from and collect_until leave out on purpose.
-- Columns that a query does not use cost nothing. Consumers: mart.billing_monthly, mart.billing_monthly_total.
create or replace view core.app_month as
select
    month.app_key,
    month.app_id,
    month.month,
    case
        when app.today < upper(calendar.days) then 'running'
        when month.points < 288 * month.past_days then 'incomplete'
        when month.past_days = upper(calendar.days) - lower(calendar.days) then 'final'
        when app.configured_dates @> calendar.days then 'part of the month'
        -- Days are tested one by one only if the configuration leaves out a part of the month.
        when
            exists (
                select from mart.dates_in(app.configured_dates * datemultirange(calendar.days)) as day (usage_date)
                where month.past_day_bits & (1 << (day.usage_date - month.month)) = 0
            )
            then 'part of the month'
        else 'final'
    end as status,
    app.today,
    month.points,
    month.past_days,
    upper(calendar.days) - lower(calendar.days) as calendar_days,
    month.past_day_bits,
    case
        when app.today < upper(calendar.days)
            then (
                -- Today and future days.
                select month.past_day_bits | coalesce(bit_or(1 << (day.usage_date - month.month)), 0)
                from mart.dates_in(
                    app.all_expected_dates * datemultirange(daterange(app.today, upper(calendar.days)))
                ) as day (usage_date)
            )
        else month.past_day_bits
    end as expected_day_bits,
    month.days,
    month.days_with_traffic,
    month.p95_rank,
    month.peak_kbps,
    month.mean_daily_peak_kbps,
    month.mean_daily_p95_kbps,
    month.daily_peaks_kbps,
    month.daily_fifths_kbps,
    month.tops_kbps,
    app.app_name
from (
    select
        day.app_key,
        day.app_id,
        day.month,
        sum(day.points) as points,
        count(*) as past_days,
        bit_or(1 << (day.usage_date - day.month)) as past_day_bits,
        5 * sum(day.points) / 100 + 1 as p95_rank,
        count(*) filter (where day.points > 0) as days,
        count(*) filter (where day.top_kbps[1] > 0) as days_with_traffic,
        max(day.top_kbps[1]) as peak_kbps,
        sum(day.top_kbps[1]) / count(day.top_kbps[1]) as mean_daily_peak_kbps,
        sum(day.top_kbps[5 * day.points / 100 + 1]) / count(day.top_kbps[1]) as mean_daily_p95_kbps,
        array_agg(day.top_kbps[1] order by day.top_kbps[1] desc nulls last) as daily_peaks_kbps,
        array_agg(day.top_kbps[5] order by day.top_kbps[5] desc nulls last) as daily_fifths_kbps,
        array_agg(day.top_kbps) filter (where day.top_kbps is not null) as tops_kbps
    from core.app_day_state as day
    group by day.app_key, day.app_id, day.month
) as month
inner join core.app_calendar as app on month.app_key = app.app_key
cross join
    lateral (select daterange(month.month, (month.month + interval '1 month')::date) as days) as calendar;

comment on view core.app_month is 'Grain: one row per App ID and calendar month, with the inputs for its bill.';
comment on column core.app_month.app_key is 'App, see core.app.';
comment on column core.app_month.app_id is 'The vendor''s App ID.';
comment on column core.app_month.month is 'First day of the calendar month.';
comment on column core.app_month.status is 'running, incomplete, part of the month or final. See mart.billing_monthly.';
comment on column core.app_month.today is 'Today in the account''s time zone.';
comment on column core.app_month.points is 'Number of observed points.';
comment on column core.app_month.past_days is 'Number of days up to yesterday that are expected or have points.';
comment on column core.app_month.calendar_days is 'Number of days in the calendar month.';
comment on column core.app_month.past_day_bits is
'Bit set of the days up to yesterday that are expected or have points; bit 0 is the first of the month.';
comment on column core.app_month.expected_day_bits is 'past_day_bits plus the expected days from today onwards.';
comment on column core.app_month.days is 'Number of days with at least one point.';
comment on column core.app_month.days_with_traffic is 'Number of days with a point above zero.';
comment on column core.app_month.p95_rank is 'Rank of the 95th percentile among the points in descending order.';
comment on column core.app_month.peak_kbps is 'Largest point in the month, kbps.';
comment on column core.app_month.mean_daily_peak_kbps is 'Sum of the daily peaks ÷ days, kbps.';
comment on column core.app_month.mean_daily_p95_kbps is 'Sum of the daily 95th percentiles ÷ days, kbps.';
comment on column core.app_month.daily_peaks_kbps is 'Daily peaks in descending order, kbps.';
comment on column core.app_month.daily_fifths_kbps is 'Fifth-largest point of each day, in descending order, kbps.';
comment on column core.app_month.tops_kbps is 'Largest points of each day, one array row per day, kbps.';
comment on column core.app_month.app_name is 'Display name of the app.';
