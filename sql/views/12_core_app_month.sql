-- Grain: one App ID and calendar month with an expected day or with points. Key: app_key, month. Unit: kbps.
-- What the bills are computed from. The status follows from three facts: whether the month is over for the account,
-- which days are expected or have points, and which days collect_from and collect_until leave out on purpose.
-- Consumers: mart.billing_monthly and mart.billing_monthly_total. Columns that a query leaves out are not computed.
create or replace view core.app_month as
select
    month.app_key,
    month.app_id,
    month.month,
    case
        when known.today < upper(calendar.days) then 'running'
        when month.points < 288 * month.past_days then 'incomplete'
        when month.past_days = upper(calendar.days) - lower(calendar.days) then 'final'
        when known.configured @> calendar.days then 'part of the month'
        -- Only a month that the configuration cuts needs a look at each of its days.
        when
            exists (
                select from mart.dates_in(known.configured * datemultirange(calendar.days)) as day (usage_date)
                where month.past_day_bits & (1 << (day.usage_date - month.month)) = 0
            )
            then 'part of the month'
        else 'final'
    end as status,
    known.today,
    month.points,
    month.past_days,
    upper(calendar.days) - lower(calendar.days) as calendar_days,
    month.past_day_bits,
    case
        when known.today < upper(calendar.days)
            then (
                -- Today and the days to come.
                select month.past_day_bits | coalesce(bit_or(1 << (day.usage_date - month.month)), 0)
                from mart.dates_in(
                    known.wanted_ever * datemultirange(daterange(known.today, upper(calendar.days)))
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
    month.tops_kbps
from (
    select
        wanted.app_key,
        wanted.app_id,
        wanted.month,
        sum(wanted.points) as points,
        count(*) as past_days,
        bit_or(1 << (wanted.usage_date - wanted.month)) as past_day_bits,
        5 * sum(wanted.points) / 100 + 1 as p95_rank,
        count(*) filter (where wanted.points > 0) as days,
        count(*) filter (where wanted.top_kbps[1] > 0) as days_with_traffic,
        max(wanted.top_kbps[1]) as peak_kbps,
        sum(wanted.top_kbps[1]) / count(wanted.top_kbps[1]) as mean_daily_peak_kbps,
        sum(wanted.top_kbps[5 * wanted.points / 100 + 1]) / count(wanted.top_kbps[1]) as mean_daily_p95_kbps,
        array_agg(wanted.top_kbps[1] order by wanted.top_kbps[1] desc nulls last) as daily_peaks_kbps,
        array_agg(wanted.top_kbps[5] order by wanted.top_kbps[5] desc nulls last) as daily_fifths_kbps,
        array_agg(wanted.top_kbps) filter (where wanted.top_kbps is not null) as tops_kbps
    from core.wanted_app_day as wanted
    group by wanted.app_key, wanted.app_id, wanted.month
) as month
inner join core.known_app as known on month.app_key = known.app_key
cross join
    lateral (select daterange(month.month, (month.month + interval '1 month')::date) as days) as calendar;

comment on view core.app_month is 'Grain: one App ID and calendar month, with what its bill is computed from.';
comment on column core.app_month.app_key is 'App, see core.app.';
comment on column core.app_month.app_id is 'The vendor''s App ID.';
comment on column core.app_month.month is 'First day of the calendar month.';
comment on column core.app_month.status is 'running, incomplete, part of the month or final, see mart.billing_monthly.';
comment on column core.app_month.today is 'Today in the account''s time zone.';
comment on column core.app_month.points is 'Points observed.';
comment on column core.app_month.past_days is 'Days up to yesterday that are expected or have points.';
comment on column core.app_month.calendar_days is 'Days of the calendar month.';
comment on column core.app_month.past_day_bits is
'The days up to yesterday that are expected or have points; bit 0 is the first of the month.';
comment on column core.app_month.expected_day_bits is 'The same with the expected days to come.';
comment on column core.app_month.days is 'Days with at least one point.';
comment on column core.app_month.days_with_traffic is 'Days with a point above zero.';
comment on column core.app_month.p95_rank is 'Rank of the 95th percentile in the descending order of the points.';
comment on column core.app_month.peak_kbps is 'Largest point of the month, kbps.';
comment on column core.app_month.mean_daily_peak_kbps is 'Sum of the daily peaks ÷ days, kbps.';
comment on column core.app_month.mean_daily_p95_kbps is 'Sum of the daily 95th percentiles ÷ days, kbps.';
comment on column core.app_month.daily_peaks_kbps is 'Daily peaks, descending, kbps.';
comment on column core.app_month.daily_fifths_kbps is 'Fifth largest points of the days, descending, kbps.';
comment on column core.app_month.tops_kbps is 'The days'' largest points, one row per day, kbps.';
