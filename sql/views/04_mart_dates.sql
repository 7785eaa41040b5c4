-- Calendar functions without access to any table. They are in mart and open to everyone, because a view's functions run
-- with the rights of the view's reader.
-- Consumers: core.expected_app_day, core.app_month, mart.vendor_account, the planner.
-- noqa: disable=RF03
-- (No table could qualify a parameter.)

-- Grain: one date of a multirange. A function, because the planner trusts its `rows`: for generate_series it would
-- expect thousands of missing days per app and choose every plan accordingly.
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

comment on function mart.dates_in is 'The dates of a multirange that has a first and a last date.';
grant execute on function mart.dates_in to public;

-- Adding a month clips the days 29 to 31 to the end of a shorter month, so both ways of counting are needed.
create or replace function mart.expires_on(usage_date date, window_length interval)
returns date
language sql immutable parallel safe
begin atomic
    select greatest((usage_date + window_length)::date, (usage_date + 1 + window_length)::date - 1);
end;

comment on function mart.expires_on is 'Last day on which the vendor is expected to show a usage date.';
grant execute on function mart.expires_on to public;

-- A day is requested for two days longer than the calendar promises (MARGIN_DAYS in agora.bandwidth.window).
create or replace function mart.lost_on(usage_date date, window_length interval)
returns date
language sql immutable parallel safe
begin atomic
    select mart.expires_on(usage_date, window_length) + 3;
end;

comment on function mart.lost_on is
'First day on which an expected usage date without points is lost: two days after expires_on have passed.';
grant execute on function mart.lost_on to public;
