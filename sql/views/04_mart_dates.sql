-- Calendar functions that read no table. They are in mart and open to everyone, because functions in a view run with
-- the rights of the user who reads the view.
-- Consumers: core.app_day_state, core.app_month, mart.vendor_account, the planner.
-- noqa: disable=RF03
-- (No table could qualify a parameter.)

-- Grain: one row per date in a multirange. This is a function, because PostgreSQL's planner trusts the estimate in
-- `rows`. For generate_series, the planner would expect thousands of missing days per app and choose its plans
-- accordingly.
create or replace function mart.dates_in(ranges datemultirange)
returns setof date
language sql immutable parallel safe rows 1 set search_path = pg_catalog, pg_temp
begin atomic
    select day.usage_date::date
    from unnest(ranges) as period
    cross join lateral generate_series(
        lower(period)::timestamp, (upper(period) - 1)::timestamp, '1 day'
    ) as day (usage_date);
end;

comment on function mart.dates_in is 'Return the dates in a multirange that has a first and a last date.';
grant execute on function mart.dates_in to public;

create or replace function mart.days_in(ranges datemultirange)
returns bigint
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(sum(upper(period) - lower(period)), 0) from unnest(ranges) as period;
end;

comment on function mart.days_in is 'Return the number of dates in a multirange that has a first and a last date.';
grant execute on function mart.days_in to public;

-- Adding a month moves days 29 to 31 to the last day of a shorter month, so both ways of counting are needed.
create or replace function mart.expires_on(usage_date date, window_length interval)
returns date
language sql immutable parallel safe
begin atomic
    select greatest((usage_date + window_length)::date, (usage_date + 1 + window_length)::date - 1);
end;

comment on function mart.expires_on is 'Return the last day on which the vendor is expected to serve a usage date.';
grant execute on function mart.expires_on to public;

-- A day is requested until two days after expires_on (MARGIN_DAYS in agora.bandwidth.window).
create or replace function mart.lost_on(usage_date date, window_length interval)
returns date
language sql immutable parallel safe
begin atomic
    select mart.expires_on(usage_date, window_length) + 3;
end;

comment on function mart.lost_on is
'Return the first day on which an expected usage date without points is lost, which is three days after expires_on.';
grant execute on function mart.lost_on to public;
