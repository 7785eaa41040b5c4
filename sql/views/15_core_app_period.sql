-- Return one row per app with an expected day or with points in any period, with the inputs for its bill. Key: app_key.
-- Unit: kbps. The figures and the status follow the rules of mart.billing_monthly. Consumer: mart.billing_between.
-- noqa: disable=RF02,RF03
-- (No table could qualify a parameter.)
create or replace function core.app_period(from_date date, to_date date, of_group text, of_apps text[])
returns table (
    app_key integer,
    app_id text,
    app_name text,
    status text,
    points bigint,
    past_dates datemultirange,
    expected_dates datemultirange,
    days bigint,
    days_with_traffic bigint,
    tops_kbps double precision[],
    peak_kbps double precision,
    mean_daily_peak_kbps double precision,
    mean_daily_p95_kbps double precision,
    fourth_peak_kbps double precision,
    top_five_mean_kbps double precision
)
language sql stable
begin atomic
    with period as (
        select
            day.app_key,
            sum(day.points) as points,
            range_agg(daterange(day.usage_date, day.usage_date + 1)) as past_dates,
            count(*) as past_days,
            count(*) filter (where day.points > 0) as days,
            count(*) filter (where day.top_kbps[1] > 0) as days_with_traffic,
            max(day.top_kbps[1]) as peak_kbps,
            sum(day.top_kbps[1]) / count(day.top_kbps[1]) as mean_daily_peak_kbps,
            sum(day.top_kbps[5 * day.points / 100 + 1]) / count(day.top_kbps[1]) as mean_daily_p95_kbps,
            array_agg(day.top_kbps[1] order by day.top_kbps[1] desc nulls last) as daily_peaks_kbps,
            (array_agg(day.top_kbps[5] order by day.top_kbps[5] desc nulls last))[1:5] as top_fifths_kbps,
            array_agg(day.top_kbps) filter (where day.top_kbps is not null) as tops_kbps
        from core.app_day_state as day
        inner join core.app_calendar as app on day.app_key = app.app_key
        where
            day.usage_date between from_date and to_date
            and (of_apps is null or app.app_id = any(of_apps))
            and (of_group is null or app.billing_group = of_group)
        group by day.app_key
    )

    select
        app.app_key,
        app.app_id,
        app.app_name,
        case
            when app.today <= to_date then 'running'
            when period.points < 288 * period.past_days then 'incomplete'
            when isempty(app.configured_dates * datemultirange(daterange(from_date, to_date + 1)) - period.past_dates)
                then 'final'
            else 'part of the month'
        end as status,
        period.points,
        period.past_dates,
        -- Today and later days.
        period.past_dates + app.all_expected_dates
        * datemultirange(daterange(greatest(from_date, least(app.today, to_date + 1)), to_date + 1)) as expected_dates,
        period.days,
        period.days_with_traffic,
        period.tops_kbps,
        period.peak_kbps,
        period.mean_daily_peak_kbps,
        period.mean_daily_p95_kbps,
        period.daily_peaks_kbps[4] as fourth_peak_kbps,
        (
            select sum(fifth.kbps) / count(fifth.kbps)
            from unnest(period.top_fifths_kbps) as fifth (kbps)
        ) as top_five_mean_kbps
    from period
    inner join core.app_calendar as app on period.app_key = app.app_key;
end;

comment on function core.app_period is
'Return one row per app with the inputs for its bill over the usage dates from from_date to to_date inclusive.';
revoke all on function core.app_period from public;
