-- The dates of a multirange, one a row. As a function, because the planner believes its `rows`: of generate_series it
-- would expect thousands of open days an app, and choose every plan above it for them. In mart and for everyone,
-- because a view's functions are called with the rights of whoever reads the view; it reads nothing itself.
-- Consumer: core.wanted_app_day.
-- noqa: disable=RF03
-- (A parameter has no table to be qualified with.)
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

comment on function mart.dates_in is 'The dates of a multirange that has a first and a last one.';
grant execute on function mart.dates_in to public;
