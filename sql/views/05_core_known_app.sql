-- Grain: one App ID that was ever configured. Key: app_key. Its account's calendar, and which usage dates the
-- configuration expects of it. Consumers: core.wanted_app_day, mart.app, the bills.
create or replace view core.known_app as
select
    app.app_key,
    app.app_id,
    app.name as app_name,
    app.conn_id,
    account.timezone,
    account.window_length,
    calendar.today,
    expected.usage_dates * datemultirange(daterange(null, calendar.today)) as wanted,
    expected.usage_dates as wanted_ever,
    datemultirange(daterange(app.collect_from, null))
    * datemultirange(daterange(null, app.collect_until, '[]')) as configured
from core.app as app
inner join core.vendor_account as account on app.conn_id = account.conn_id
cross join lateral (select (mart.clock() at time zone account.timezone)::date as today) as calendar
cross join lateral (select app.wanted * datemultirange(daterange(app.kept_since, null)) as usage_dates) as expected;

comment on view core.known_app is 'Grain: one App ID with its account''s calendar.';
comment on column core.known_app.app_key is 'App, see core.app.';
comment on column core.known_app.app_id is 'The vendor''s App ID.';
comment on column core.known_app.app_name is 'Name of the app for people.';
comment on column core.known_app.conn_id is 'Account that owns the app.';
comment on column core.known_app.timezone is 'IANA zone of the account''s usage dates.';
comment on column core.known_app.window_length is 'How long the vendor is expected to show a day.';
comment on column core.known_app.today is 'Today in the account''s time zone.';
comment on column core.known_app.wanted is
'Usage dates up to yesterday that are expected, less those that retention dropped.';
comment on column core.known_app.wanted_ever is 'The same with the days to come.';
comment on column core.known_app.configured is
'Usage dates from collect_from to collect_until, as configured; days outside of it are left out on purpose.';
