-- Grain: one five-minute interval, summed over the apps of one time zone that have a point. Key: day_starts_at,
-- interval_start. Unit: kbps. Filter on usage_date. Days up to yesterday. With accounts of several time zones, an
-- interval has a row for each: sum by interval_start. apps says how many apps the sum is over; beside it stands
-- nowhere how many were wanted (mart.coverage knows). Consumers: people, charts, the page's traffic of all apps.
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
'Grain: one five-minute interval, all apps of a time zone summed. Filter on usage_date.';
comment on column mart.bandwidth_5min_total.usage_date is 'Usage date in the accounts'' time zone, up to yesterday.';
comment on column mart.bandwidth_5min_total.day_starts_at is 'Instant at which the usage date starts there.';
comment on column mart.bandwidth_5min_total.interval_start is 'Instant at which the five minutes start.';
comment on column mart.bandwidth_5min_total.kbps is
'Sum over the apps that have a point, in kbps (1,000 bits a second).';
comment on column mart.bandwidth_5min_total.apps is 'How many apps have a point.';
