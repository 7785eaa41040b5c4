-- The sum of a day is stored per billing group and for all apps together, with the day's largest sums and the number of
-- app points. The bills and the trend of sums then read a few values per day instead of every sum.

-- Loaders lock core.app_day first. Another order would cause deadlocks.
lock table core.app_day in access exclusive mode;

truncate core.day_sum;
alter table core.day_sum
add column app_points bigint not null,
add column points integer not null generated always as (cardinality(array_remove(kbps, null))) stored,
add column top_kbps double precision[] not null generated always as ((array_sort(kbps, true, false))[1:15]) stored;

comment on column core.day_sum.billing_group is
'Billing group of the apps whose points are added; empty for the sum of all apps.';
comment on column core.day_sum.app_points is 'Number of points that are added, counted per app.';
comment on column core.day_sum.points is 'Number of slots in which any app has a point.';
comment on column core.day_sum.top_kbps is 'The day''s fifteen largest sums in descending order, kbps.';

-- One recorded change per day is enough for its sums to be stored again.
insert into core.changed_app_day (app_key, usage_date, starts_at)
select distinct on (app_day.usage_date, app_day.starts_at)
    app_day.app_key,
    app_day.usage_date,
    app_day.starts_at
from core.app_day as app_day
where
    app_day.points > 0
    and not exists (
        select from core.changed_app_day as changed
        where changed.usage_date = app_day.usage_date and changed.starts_at = app_day.starts_at
    )
order by app_day.usage_date, app_day.starts_at, app_day.app_key;

-- Development versions of this release created these functions with other columns.
drop view if exists mart.billing_closed, mart.billing_statement, mart.billing_monthly_group;
drop function if exists mart.billing_by_contract(text, date, date, text, numeric, jsonb);
drop function if exists mart.billing_between(date, date, text[], text, boolean);
drop function if exists mart.days_until_commit(text, date, date, text, numeric);
drop function if exists mart.bandwidth_trend(text, text);
drop function if exists core.summed_figures(date, date, text, text[]);
drop function if exists core.summed_point(date, date, text, text[]);
