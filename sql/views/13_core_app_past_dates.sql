-- Grain: one row per App ID. Key: app_key. Each row has the app's days up to yesterday that are expected or have
-- points, which are the days of core.app_day_state, without reading them. Consumers: core.summed_month,
-- mart.billing_between, mart.bandwidth_trend.
create or replace view core.app_past_dates as
select
    app.app_key,
    app.app_id,
    app.billing_group,
    app.today,
    app.configured_dates,
    app.all_expected_dates,
    app.expected_dates + coalesce(unexpected.usage_dates, '{}') as past_dates
from core.app_calendar as app
left join core.entered_days as entered on app.app_key = entered.app_key
left join (
    select
        change.app_key,
        range_agg(daterange(change.usage_date, change.usage_date + 1)) as usage_dates
    from core.changed_app_day as change
    group by change.app_key
) as changed on app.app_key = changed.app_key
-- A day with points is in core.entered_days, or its change is recorded. Only dates that are not expected are looked up.
cross join
    lateral (
        select range_agg(daterange(app_day.usage_date, app_day.usage_date + 1)) as usage_dates
        from
            mart.dates_in(
                (coalesce(entered.usage_dates, '{}') + coalesce(changed.usage_dates, '{}') - app.expected_dates)
                * datemultirange(daterange(null, app.today))
            ) as day (usage_date)
        inner join core.app_day as app_day on day.usage_date = app_day.usage_date
        where app_day.app_key = app.app_key and app_day.points > 0
    ) as unexpected;

comment on view core.app_past_dates is 'Grain: one row per App ID, with its days that are expected or have points.';
comment on column core.app_past_dates.app_key is 'App, see core.app.';
comment on column core.app_past_dates.app_id is 'The vendor''s App ID.';
comment on column core.app_past_dates.billing_group is 'Billing group of the app.';
comment on column core.app_past_dates.today is 'Today in the account''s time zone.';
comment on column core.app_past_dates.configured_dates is
'Usage dates from collect_from to collect_until, as configured.';
comment on column core.app_past_dates.all_expected_dates is 'Expected usage dates, including today and future dates.';
comment on column core.app_past_dates.past_dates is 'Usage dates up to yesterday that are expected or have points.';
