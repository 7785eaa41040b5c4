-- Grain: one App ID that was ever configured. Key: app_key. Its account's calendar, and which usage dates up to
-- yesterday the configuration wants of it. Consumers: core.wanted_app_day, mart.app.
create or replace view core.known_app as
select
    app.app_key,
    app.app_id,
    app.name as app_name,
    app.conn_id,
    account.timezone,
    account.window_length,
    calendar.today,
    app.wanted
    * datemultirange(daterange(app.kept_since, null))
    * datemultirange(daterange(null, calendar.today)) as wanted
from core.app as app
inner join core.vendor_account as account on app.conn_id = account.conn_id
cross join lateral (select (now() at time zone account.timezone)::date as today) as calendar;

comment on view core.known_app is 'Grain: one App ID with its account''s calendar.';
comment on column core.known_app.app_key is 'App, see core.app.';
comment on column core.known_app.app_id is 'The vendor''s App ID.';
comment on column core.known_app.app_name is 'Name of the app for people.';
comment on column core.known_app.conn_id is 'Account that owns the app.';
comment on column core.known_app.timezone is 'IANA zone of the account''s usage dates.';
comment on column core.known_app.window_length is 'How long the vendor is expected to show a day.';
comment on column core.known_app.today is 'Today in the account''s time zone.';
comment on column core.known_app.wanted is
'Usage dates up to yesterday that the configuration wants, less what retention dropped.';
