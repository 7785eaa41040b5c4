-- Grain: one row per five-minute point with from_time <= interval_start < to_time. Unit: kbps. The function reads only
-- the usage dates that overlap the interval in some time zone. Consumers: analysts, charts.
-- noqa: disable=RF03
-- (No table could qualify a parameter.)
create or replace function mart.bandwidth_5min_between(
    from_time timestamptz, to_time timestamptz, app_ids text[] default null
)
returns table (app_id text, app_name text, usage_date date, interval_start timestamptz, kbps double precision)
language sql stable parallel safe
begin atomic
    select
        point.app_id,
        point.app_name,
        point.usage_date,
        point.interval_start,
        point.kbps
    from mart.bandwidth_5min as point
    where
        point.usage_date between (from_time at time zone 'UTC')::date - 1 and (to_time at time zone 'UTC')::date + 1
        and point.interval_start >= from_time
        and point.interval_start < to_time
        and (app_ids is null or point.app_id = any(app_ids));
end;

comment on function mart.bandwidth_5min_between is
'Return the five-minute points from from_time (inclusive) to to_time (exclusive) for the given apps, or for all apps'
' if app_ids is null.';
revoke all on function mart.bandwidth_5min_between from public;
grant execute on function mart.bandwidth_5min_between to analyst, loader;
