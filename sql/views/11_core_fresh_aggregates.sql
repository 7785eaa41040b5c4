-- Stored aggregates that are fresh, because no change to their points was recorded since they were stored. Readers
-- compute the other aggregates from the points. See docs/adr/0007.

-- Grain: one row per App ID and calendar month. Key: app_key, month. Unit: kbps. Consumer: mart.billing_monthly.
create or replace view core.fresh_month_p95 as
select
    stored.app_key,
    stored.month,
    stored.p95_kbps,
    stored.last_day
from core.month_p95 as stored
where
    not exists (
        select from core.changed_app_day as changed
        where
            changed.app_key = stored.app_key
            and date_trunc('month', changed.usage_date::timestamp)::date = stored.month
    );

comment on view core.fresh_month_p95 is
'Grain: one row per App ID and calendar month whose stored 95th percentile agrees with its points.';
comment on column core.fresh_month_p95.app_key is 'App, see core.app.';
comment on column core.fresh_month_p95.month is 'First day of the calendar month.';
comment on column core.fresh_month_p95.p95_kbps is '95th percentile of all points in the month, kbps.';
comment on column core.fresh_month_p95.last_day is
'Last usage date with points. The bills use the stored percentile only after that day.';

-- Grain: one row per billing group, usage date and start of the day. An empty group is the sum of all apps. Key: all
-- three. Unit: kbps. The view contains only days that have ended for every account. A group may span accounts, so a
-- reader cannot exclude an account whose day has not ended. Consumer: core.summed_day.
create or replace view core.fresh_day_sum as
select
    stored.usage_date,
    stored.starts_at,
    stored.kbps,
    stored.apps,
    stored.billing_group,
    stored.points,
    stored.top_kbps,
    stored.app_points
from core.day_sum as stored
where
    stored.usage_date < (
        select min((mart.clock() at time zone account.timezone)::date) from core.vendor_account as account
    )
    and not exists (
        select from core.changed_app_day as changed
        where changed.usage_date = stored.usage_date and changed.starts_at = stored.starts_at
    );

comment on view core.fresh_day_sum is
'Grain: one row per billing group, usage date and start of the day. The stored sum agrees with the points of the apps.';
comment on column core.fresh_day_sum.usage_date is 'Usage date that has ended for every account.';
comment on column core.fresh_day_sum.starts_at is 'Instant at which slot 1 starts.';
comment on column core.fresh_day_sum.kbps is
'Sums in kbps, one element per five-minute slot; null where no app has a point.';
comment on column core.fresh_day_sum.apps is 'Number of apps with a point, one element per five-minute slot.';
comment on column core.fresh_day_sum.billing_group is 'Billing group of the summed apps; empty for all apps.';
comment on column core.fresh_day_sum.points is 'Number of slots in which any app has a point.';
comment on column core.fresh_day_sum.top_kbps is 'The fifteen largest sums in descending order, kbps.';
comment on column core.fresh_day_sum.app_points is 'Number of points that are added, counted per app.';

-- Grain: one row per billing group, usage date and start of the day, with the sum of the group's apps. An empty group
-- is the sum of all apps. Key: all three. Unit: kbps. Filter on billing_group and usage_date. Consumers:
-- core.summed_days, mart.bandwidth_5min_total.
create or replace view core.summed_day as
select
    stored.usage_date,
    stored.starts_at,
    stored.kbps,
    stored.apps,
    stored.billing_group,
    stored.points,
    stored.top_kbps,
    stored.app_points
from core.fresh_day_sum as stored
union all
select
    day.usage_date,
    day.starts_at,
    summed.kbps,
    summed.apps,
    summed.billing_group,
    cardinality(array_remove(summed.kbps, null)) as points,
    (array_sort(summed.kbps, true, false))[1:15] as top_kbps,
    summed.app_points
-- Every day with points is either stored or has a recorded change.
from (
    select
        changed.usage_date,
        changed.starts_at
    from core.changed_app_day as changed
    union
    select
        stored.usage_date,
        stored.starts_at
    from core.day_sum as stored
    where
        stored.usage_date >= (
            select min((mart.clock() at time zone account.timezone)::date) from core.vendor_account as account
        )
) as day
-- A lateral join sums each day separately. For all days together, the planner would sort every point.
cross join
    lateral (
        select
            slot.billing_group,
            array_agg(slot.kbps order by slot.number) as kbps,
            array_agg(slot.apps order by slot.number) as apps,
            sum(slot.apps)::bigint as app_points
        from (
            select
                app.billing_group,
                slot.number,
                sum(slot.kbps) as kbps,
                count(slot.kbps)::integer as apps
            from core.app_day_state as expected
            inner join core.app_calendar as app on expected.app_key = app.app_key
            cross join lateral unnest(expected.kbps) with ordinality as slot (kbps, number)
            where
                expected.usage_date = day.usage_date
                and expected.starts_at = day.starts_at
                and expected.points > 0
            group by app.billing_group, slot.number
            union all
            select
                '' as billing_group,
                slot.number,
                sum(slot.kbps) as kbps,
                count(slot.kbps)::integer as apps
            from core.app_day_state as expected
            cross join lateral unnest(expected.kbps) with ordinality as slot (kbps, number)
            where
                expected.usage_date = day.usage_date
                and expected.starts_at = day.starts_at
                and expected.points > 0
            group by slot.number
        ) as slot
        group by slot.billing_group
    ) as summed;

comment on view core.summed_day is
'Grain: one row per billing group, past usage date and start of the day, with the sum of the group''s apps.';
comment on column core.summed_day.usage_date is 'Usage date.';
comment on column core.summed_day.starts_at is 'Instant at which slot 1 starts.';
comment on column core.summed_day.kbps is
'Sums in kbps, one element per five-minute slot; null where no app has a point.';
comment on column core.summed_day.apps is 'Number of apps with a point, one element per five-minute slot.';
comment on column core.summed_day.billing_group is 'Billing group of the summed apps; empty for all apps.';
comment on column core.summed_day.points is 'Number of slots in which any app has a point.';
comment on column core.summed_day.top_kbps is 'The fifteen largest sums in descending order, kbps.';
comment on column core.summed_day.app_points is 'Number of points that are added, counted per app.';
