-- Grain: one five-minute point that the vendor delivered. Key: app_id, interval_start. Unit: kbps.
-- Filter on usage_date. A filter on interval_start alone reads every stored day; for an interval of time, use
-- mart.bandwidth_5min_between. An absent point has no row; it is never zero.
-- Consumers: analysts, charts, exports.
create or replace view mart.bandwidth_5min as
select
    app.app_id,
    app.name as app_name,
    app_day.usage_date,
    app_day.starts_at + (point.slot - 1) * interval '5 minutes' as interval_start,
    point.kbps
from core.app_day as app_day
inner join core.app as app on app_day.app_key = app.app_key
cross join lateral unnest(app_day.kbps) with ordinality as point (kbps, slot)
where point.kbps is not null;

comment on view mart.bandwidth_5min is
'Grain: one five-minute point. Filter on usage_date to read only the days you need.';
comment on column mart.bandwidth_5min.app_id is 'The vendor''s App ID.';
comment on column mart.bandwidth_5min.app_name is 'Display name of the app.';
comment on column mart.bandwidth_5min.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.bandwidth_5min.interval_start is 'Instant at which the five minutes start.';
comment on column mart.bandwidth_5min.kbps is 'Bandwidth of the five minutes in kbps (1,000 bits per second).';
