-- Grain: one row per five-minute point that the vendor delivered. Key: app_id, interval_start. Unit: kbps.
-- Filter on usage_date. A filter on interval_start alone reads every stored day. To select a time interval, use
-- mart.bandwidth_5min_between. An absent point has no row and is never zero.
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
'Grain: one row per five-minute point. Filter on usage_date to read only the days you need.';
comment on column mart.bandwidth_5min.app_id is 'The vendor''s App ID.';
comment on column mart.bandwidth_5min.app_name is 'Display name of the app.';
comment on column mart.bandwidth_5min.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.bandwidth_5min.interval_start is 'Start of the five-minute interval.';
comment on column mart.bandwidth_5min.kbps is 'Bandwidth in the five-minute interval, in kbps (1,000 bits per second).';
