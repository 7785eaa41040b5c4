-- Grain: one row per App ID that was ever configured. Key: app_key. Each row has the calendar of the app's account and
-- the app's expected usage dates. Consumers: core.app_day_state, core.app_month, mart.app.
create or replace view core.app_calendar as
select
    app.app_key,
    app.app_id,
    app.name as app_name,
    app.conn_id,
    account.timezone,
    account.window_length,
    calendar.today,
    expected.usage_dates * datemultirange(daterange(null, calendar.today)) as expected_dates,
    expected.usage_dates as all_expected_dates,
    datemultirange(daterange(app.collect_from, null))
    * datemultirange(daterange(null, app.collect_until, '[]')) as configured_dates,
    coalesce(app.billing_group, app.conn_id) as billing_group
from core.app as app
inner join core.vendor_account as account on app.conn_id = account.conn_id
cross join lateral (select (mart.clock() at time zone account.timezone)::date as today) as calendar
cross join lateral (select app.wanted * datemultirange(daterange(app.kept_since, null)) as usage_dates) as expected;

comment on view core.app_calendar is 'Grain: one row per App ID, with the calendar of its account.';
comment on column core.app_calendar.app_key is 'App, see core.app.';
comment on column core.app_calendar.app_id is 'The vendor''s App ID.';
comment on column core.app_calendar.app_name is 'Display name of the app.';
comment on column core.app_calendar.conn_id is 'Account that owns the app.';
comment on column core.app_calendar.timezone is 'IANA time zone of the account''s usage dates.';
comment on column core.app_calendar.window_length is 'How long the vendor is expected to serve a usage date.';
comment on column core.app_calendar.today is 'Today in the account''s time zone.';
comment on column core.app_calendar.expected_dates is
'Expected usage dates up to yesterday, except those that retention deleted.';
comment on column core.app_calendar.all_expected_dates is 'Expected usage dates, including today and future dates.';
comment on column core.app_calendar.configured_dates is
'Usage dates from collect_from to collect_until, as configured. Days outside this range are left out on purpose.';
comment on column core.app_calendar.billing_group is 'Billing group of the app. Default: the account.';
