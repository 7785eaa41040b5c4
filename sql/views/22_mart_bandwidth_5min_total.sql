-- Grain: one five-minute interval, summed over the apps of one time zone that have a point. Key: day_starts_at,
-- interval_start. Unit: kbps. Filter on usage_date. Days up to yesterday. With accounts in several time zones, an
-- interval has one row per zone: sum them by interval_start. apps counts the apps with a point; mart.coverage has the
-- expected apps. Consumers: analysts, charts, the page Traffic.
create or replace view mart.bandwidth_5min_total as
select
    day.usage_date,
    day.starts_at as day_starts_at,
    day.starts_at + (point.slot - 1) * interval '5 minutes' as interval_start,
    point.kbps,
    point.apps
from core.summed_day as day
cross join lateral unnest(day.kbps, day.apps) with ordinality as point (kbps, apps, slot)
where point.kbps is not null;

comment on view mart.bandwidth_5min_total is
'Grain: one five-minute interval, all apps of one time zone summed. Filter on usage_date.';
comment on column mart.bandwidth_5min_total.usage_date is 'Usage date in the accounts'' time zone, up to yesterday.';
comment on column mart.bandwidth_5min_total.day_starts_at is
'Instant at which the usage date starts in that time zone.';
comment on column mart.bandwidth_5min_total.interval_start is 'Instant at which the five minutes start.';
comment on column mart.bandwidth_5min_total.kbps is
'Sum over the apps that have a point, in kbps (1,000 bits per second).';
comment on column mart.bandwidth_5min_total.apps is 'Number of apps that have a point.';
