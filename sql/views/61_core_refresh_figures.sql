-- Stores the figures of what changed, and forgets the changes. Whatever is loaded meanwhile notes changes of its
-- own, which this does not see and does not forget. Consumers: whoever changed points, when done. Why pg_temp is named:
-- see 60_core_forget.sql.
create or replace function core.refresh_figures(most_changes integer)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    changes bigint;
begin
    -- One at a time, each with a snapshot from after the one before: a statement's begins when it does. The points
    -- first, as truncate locks them.
    lock table core.app_day in access share mode;
    lock table core.month_p95 in share row exclusive mode;

    with change as (
        delete from core.changed_app_day
        where ctid = any(array(select ctid from core.changed_app_day limit most_changes))
        returning app_key, usage_date, starts_at
    ),
    changed_month as (
        select distinct app_key, date_trunc('month', usage_date::timestamp)::date as month from change
    ),
    month as (
        select
            changed_month.app_key,
            changed_month.month,
            5 * sum(app_day.points) / 100 + 1 as p95_rank,
            max(app_day.usage_date) filter (where app_day.points > 0) as last_day,
            array_agg(app_day.top_kbps) filter (where app_day.points > 0) as tops_kbps,
            range_agg(daterange(app_day.usage_date, app_day.usage_date + 1))
                filter (where app_day.usage_date is not null) as entered
        from changed_month
        left join core.app_day as app_day
            on
                changed_month.app_key = app_day.app_key
                and changed_month.month = date_trunc('month', app_day.usage_date::timestamp)::date
        group by changed_month.app_key, changed_month.month
    ),
    month_now as (
        select month.app_key, month.month, month.last_day, ranked.p95_kbps
        from month
        -- As in mart.billing_monthly: no smaller point can have the rank.
        cross join lateral (
            select (array_agg(top.kbps order by top.kbps desc nulls last))[month.p95_rank] as kbps
            from unnest(month.tops_kbps) as top (kbps)
        ) as least_p95
        cross join lateral (
            select (array_agg(point.kbps order by point.kbps desc))[month.p95_rank] as p95_kbps
            from (
                select unnest(app_day.kbps) as kbps
                from core.app_day as app_day
                where
                    app_day.app_key = month.app_key
                    and date_trunc('month', app_day.usage_date::timestamp)::date = month.month
            ) as point
            where point.kbps >= least_p95.kbps
        ) as ranked
    ),
    months_stored as (
        merge into core.month_p95 as stored
        using month_now on stored.app_key = month_now.app_key and stored.month = month_now.month
        when matched and month_now.p95_kbps is null then delete
        when matched then update set p95_kbps = month_now.p95_kbps, last_day = month_now.last_day
        when not matched and month_now.p95_kbps is not null then
            insert (app_key, month, p95_kbps, last_day)
            values (month_now.app_key, month_now.month, month_now.p95_kbps, month_now.last_day)
    ),
    entered_now as (
        select
            app_key,
            range_agg(daterange(month, (month + interval '1 month')::date)) as looked_at,
            coalesce(range_agg(entered), '{}') as usage_dates
        from month
        group by app_key
    ),
    days_entered as (
        merge into core.entered_days as stored
        using entered_now on stored.app_key = entered_now.app_key
        when matched then
            update set usage_dates = stored.usage_dates - entered_now.looked_at + entered_now.usage_dates
        when not matched then
            insert (app_key, usage_dates) values (entered_now.app_key, entered_now.usage_dates)
    ),
    day_now as (
        select changed_day.usage_date, changed_day.starts_at, summed.kbps, summed.apps
        from (select distinct usage_date, starts_at from change) as changed_day
        cross join lateral (
            select
                array_agg(slot.kbps order by slot.number) as kbps,
                array_agg(slot.apps order by slot.number) as apps
            from (
                select slot.number, sum(slot.kbps) as kbps, count(slot.kbps)::integer as apps
                from core.app_day as app_day
                cross join lateral unnest(app_day.kbps) with ordinality as slot (kbps, number)
                where
                    app_day.usage_date = changed_day.usage_date
                    and app_day.starts_at = changed_day.starts_at
                group by slot.number
            ) as slot
        ) as summed
    ),
    days_stored as (
        merge into core.day_sum as stored
        using day_now on stored.usage_date = day_now.usage_date and stored.starts_at = day_now.starts_at
        when matched and day_now.kbps is null then delete
        when matched then update set kbps = day_now.kbps, apps = day_now.apps
        when not matched and day_now.kbps is not null then
            insert (usage_date, starts_at, kbps, apps)
            values (day_now.usage_date, day_now.starts_at, day_now.kbps, day_now.apps)
    )
    select count(*) into changes from change;
    return changes;
end
$$;

comment on function core.refresh_figures is
'Stores the 95th percentiles, sums and entered days of what changed since it ran last, at most so many changes at'
' once, and says how many there were.';
revoke all on function core.refresh_figures from public;
grant execute on function core.refresh_figures to loader;
