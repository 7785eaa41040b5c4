-- Grain: one row per five-minute interval and time zone, with the sum of the apps in that time zone that have a point.
-- Key: day_starts_at, interval_start. Unit: kbps, with three decimal places. Filter on usage_date. The view contains
-- days up to yesterday. If accounts are in several time zones, sum the rows by interval_start. The column apps counts
-- the apps with a point. For the expected apps, see mart.coverage. Consumers: analysts, charts, the Traffic page.
create or replace view mart.bandwidth_5min_total as
select
    day.usage_date,
    day.starts_at as day_starts_at,
    day.starts_at + (point.slot - 1) * interval '5 minutes' as interval_start,
    round(point.kbps::numeric, 3) as kbps,
    point.apps
from core.summed_day as day
cross join lateral unnest(day.kbps, day.apps) with ordinality as point (kbps, apps, slot)
where day.billing_group = '' and point.kbps is not null;

comment on view mart.bandwidth_5min_total is
'Grain: one row per five-minute interval and time zone, with the sum of the apps in that time zone. Filter on'
' usage_date.';
comment on column mart.bandwidth_5min_total.usage_date is 'Usage date in the accounts'' time zone, up to yesterday.';
comment on column mart.bandwidth_5min_total.day_starts_at is
'Instant at which the usage date starts in the accounts'' time zone.';
comment on column mart.bandwidth_5min_total.interval_start is 'Start of the five-minute interval.';
comment on column mart.bandwidth_5min_total.kbps is
'Sum over the apps that have a point, in kbps (1,000 bits per second).';
comment on column mart.bandwidth_5min_total.apps is 'Number of apps that have a point.';
