-- Stores the aggregates that depend on changed points: the 95th percentile of each app and month, each app's dates with
-- a ledger entry, and the sum of all apps per day. Changes that loaders record in the meantime are left for the next
-- refresh. Consumers: every task that has changed points, at its end. 60_core_delete_old.sql explains the search_path.
create or replace function core.refresh_aggregates(most_changes integer)
returns bigint
-- core.sum_of_apps explains why expressions are not compiled.
language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off
as $$
declare
    changes core.changed_app_day[];
begin
    -- Only one refresh runs at a time. The points are locked first, because truncate also locks them first.
    lock table core.app_day in access share mode;
    lock table core.month_p95 in share row exclusive mode;

    with taken as (
        delete from core.changed_app_day as change
        where ctid = any(array(select ctid from core.changed_app_day limit most_changes))
        returning change
    )
    select array_agg(taken.change) into changes from taken;

    -- 1. Per app and month: the 95th percentile, with the same ranks as in mart.billing_monthly.
    merge into core.month_p95 as stored
    using (
        select month.app_key, month.month, month.last_day, ranked.p95_kbps
        from (
            select
                changed.app_key,
                changed.month,
                max(app_day.usage_date) as last_day,
                5 * sum(app_day.points) / 100 + 1 as p95_rank,
                array_agg(app_day.top_kbps) filter (where app_day.points > 0) as tops_kbps
            from (
                select distinct app_key, date_trunc('month', usage_date::timestamp)::date as month from unnest(changes)
            ) as changed
            left join core.app_day as app_day
                on
                    changed.app_key = app_day.app_key
                    and changed.month = date_trunc('month', app_day.usage_date::timestamp)::date
                    and app_day.points > 0
            group by changed.app_key, changed.month
        ) as month
        cross join lateral (
            select (array_agg(top.kbps order by top.kbps desc nulls last))[month.p95_rank] as least_kbps
            from unnest(month.tops_kbps) as top (kbps)
        ) as bound
        cross join lateral (
            select (array_agg(point.kbps order by point.kbps desc))[month.p95_rank] as p95_kbps
            from core.app_day as app_day
            cross join lateral unnest(app_day.kbps) as point (kbps)
            where
                app_day.app_key = month.app_key
                and date_trunc('month', app_day.usage_date::timestamp)::date = month.month
                and point.kbps >= bound.least_kbps
        ) as ranked
    ) as computed on stored.app_key = computed.app_key and stored.month = computed.month
    when matched and computed.p95_kbps is null then delete
    when matched then update set p95_kbps = computed.p95_kbps, last_day = computed.last_day
    when not matched and computed.p95_kbps is not null then
        insert (app_key, month, p95_kbps, last_day)
        values (computed.app_key, computed.month, computed.p95_kbps, computed.last_day);

    -- 2. Per app: the dates with a ledger entry. The dates in changed months are replaced.
    merge into core.entered_days as stored
    using (
        select
            changed.app_key,
            range_agg(changed.dates) as changed_dates,
            coalesce(range_agg(ledger.dates), '{}') as dates
        from (
            select distinct
                app_key,
                daterange(
                    date_trunc('month', usage_date::timestamp)::date,
                    (date_trunc('month', usage_date::timestamp) + interval '1 month')::date
                ) as dates
            from unnest(changes)
        ) as changed
        cross join lateral (
            select range_agg(daterange(app_day.usage_date, app_day.usage_date + 1)) as dates
            from core.app_day as app_day
            where
                app_day.app_key = changed.app_key
                and app_day.usage_date >= lower(changed.dates)
                and app_day.usage_date < upper(changed.dates)
        ) as ledger
        group by changed.app_key
    ) as computed on stored.app_key = computed.app_key
    when matched then update set usage_dates = stored.usage_dates - computed.changed_dates + computed.dates
    when not matched then insert (app_key, usage_dates) values (computed.app_key, computed.dates);

    -- 3. Per day: the sum of each group and of all apps, and the number of apps with a point, slot by slot.
    execute (
        select format(
            $merge$
            merge into core.day_sum as stored
            using (
                select
                    slot.usage_date,
                    slot.starts_at,
                    slot.billing_group,
                    array_agg(slot.kbps order by slot.number) as kbps,
                    array_agg(slot.apps order by slot.number) as apps,
                    sum(slot.apps) as app_points
                from (
                    select
                        day.usage_date,
                        day.starts_at,
                        sum_of.billing_group,
                        point.number,
                        sum(point.kbps) as kbps,
                        sum(point.apps)::integer as apps
                    from (%s) as day
                    cross join lateral (values (day.billing_group), ('')) as sum_of (billing_group)
                    cross join lateral unnest(day.kbps, day.apps) with ordinality as point (kbps, apps, number)
                    group by day.usage_date, day.starts_at, sum_of.billing_group, point.number
                ) as slot
                group by slot.usage_date, slot.starts_at, slot.billing_group
            ) as computed
                on
                    stored.usage_date = computed.usage_date
                    and stored.starts_at = computed.starts_at
                    and stored.billing_group = computed.billing_group
            when matched then
                update set kbps = computed.kbps, apps = computed.apps, app_points = computed.app_points
            when not matched then
                insert (usage_date, starts_at, billing_group, kbps, apps, app_points)
                values (
                    computed.usage_date, computed.starts_at, computed.billing_group, computed.kbps, computed.apps,
                    computed.app_points
                )
            -- The group has no points on this day any more.
            when not matched by source
                and (stored.usage_date, stored.starts_at) in (select usage_date, starts_at from unnest($1))
                then delete
            $merge$,
            string_agg(
                format(
                    $sums$
                    select
                        app_day.usage_date,
                        app_day.starts_at,
                        coalesce(app.billing_group, app.conn_id) as billing_group,
                        array[%s]::double precision[] as kbps,
                        array[%s] as apps
                    from (select distinct usage_date, starts_at from unnest($1)) as changed
                    inner join core.app_day as app_day using (usage_date, starts_at)
                    inner join core.app as app using (app_key)
                    where app_day.points > 0 and app_day.%I is not null
                    group by app_day.usage_date, app_day.starts_at, coalesce(app.billing_group, app.conn_id)
                    $sums$,
                    core.per_slot(format('sum(app_day.%I[#])', points.name)),
                    core.per_slot(format('count(app_day.%I[#])', points.name)),
                    points.name
                ),
                ' union all '
            )
        )
        from unnest(array['kbps_int4', 'kbps_float8']) as points (name)
    )
    using changes;

    return coalesce(cardinality(changes), 0);
end
$$;

comment on function core.refresh_aggregates is
'Store the 95th percentiles, sums and ledger dates that are affected by at most most_changes recorded changes. Delete'
' these changes and return their number.';
revoke all on function core.refresh_aggregates from public;
grant execute on function core.refresh_aggregates to loader;
