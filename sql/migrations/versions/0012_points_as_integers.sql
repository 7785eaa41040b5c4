-- Points become four-byte integers, which load faster and need no compression. Days with a fraction, or with a rate
-- that does not fit, keep eight bytes per point. Readers see both as kbps. The loader computes the largest points and
-- the sum of each day, because sorting in the server was the slowest part of a load. See docs/adr/0014.

-- Loaders lock core.app_day first. Another order would cause deadlocks.
lock table core.app_day in access exclusive mode;

-- The views of the earlier release use the column until they are replaced. 99_drop_renamed.sql then drops it.
alter table core.app_day rename column kbps to old_kbps;
alter table core.app_day alter column top_kbps drop expression;
alter table core.app_day add column kbps_int4 integer[];
alter table core.app_day add column kbps_float8 double precision[];
alter table core.app_day add column kbps double precision[]
generated always as (coalesce(kbps_int4::double precision[], kbps_float8)) virtual;
alter table core.app_day add column sum_kbps double precision;

alter table core.app_day
drop constraint only_sound_days_have_a_grid,
drop constraint grid_is_288_slots,
drop constraint points_are_the_slots_present,
drop constraint rates_are_plausible,
drop constraint points_are_verified;

-- No point changes, so the triggers are disabled.
alter table core.app_day disable trigger user;
update core.app_day set
    (kbps_int4, kbps_float8, sum_kbps) = (
        select
            case when day.fits then core.app_day.old_kbps::integer[] end as kbps_int4,
            case when not day.fits then core.app_day.old_kbps end as kbps_float8,
            day.sum_kbps
        from (
            select
                coalesce(bool_and(point.kbps = trunc(point.kbps) and point.kbps <= 2147483647), true) as fits,
                sum(point.kbps) as sum_kbps
            from unnest(core.app_day.old_kbps) as point (kbps)
        ) as day
    ),
    old_kbps = null
where old_kbps is not null;
alter table core.app_day enable trigger user;

alter table core.app_day
add constraint only_sound_days_have_a_grid check (
    num_nonnulls(kbps_int4, kbps_float8) = (state in ('collected', 'partial'))::integer
    and (state in ('collected', 'partial')) <= (collected_at is not null and body_sha256 is not null)
),
add constraint grid_is_288_slots check (
    array_ndims(kbps_int4) = 1 and array_lower(kbps_int4, 1) = 1 and cardinality(kbps_int4) = 288
    and array_ndims(kbps_float8) = 1 and array_lower(kbps_float8, 1) = 1 and cardinality(kbps_float8) = 288
),
add constraint points_are_the_slots_present check (
    cardinality(array_remove(kbps_int4, null)) = points and cardinality(array_remove(kbps_float8, null)) = points
),
-- PostgreSQL sorts NaN above every number, so this check refuses NaN, too.
add constraint rates_are_plausible check (
    0 <= all(kbps_int4) and 0 <= all(kbps_float8) and 1e11 >= all(kbps_float8)
),
add constraint points_are_verified check ((num_nonnulls(kbps_int4, kbps_float8) = 0) = (verified_at is null)),
add constraint top_and_sum_belong_to_points check (
    (num_nonnulls(kbps_int4, kbps_float8) = 0) = (top_kbps is null) and (points = 0) = (sum_kbps is null)
);

-- Transition tables do not contain the values of virtual columns.
create or replace function core.note_changed_points() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    case tg_op
        when 'INSERT' then
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from new_rows where verified_at is not null;
        when 'DELETE' then
            -- Without points, too: the day no longer has a ledger entry.
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from old_rows;
        when 'UPDATE' then
            -- If only the ledger entry changed, no figure did.
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at
            from (
                (
                    select app_key, usage_date, starts_at, kbps_int4, kbps_float8
                    from old_rows where verified_at is not null
                    except
                    select app_key, usage_date, starts_at, kbps_int4, kbps_float8
                    from new_rows where verified_at is not null
                )
                union all
                (
                    select app_key, usage_date, starts_at, kbps_int4, kbps_float8
                    from new_rows where verified_at is not null
                    except
                    select app_key, usage_date, starts_at, kbps_int4, kbps_float8
                    from old_rows where verified_at is not null
                )
            ) as change
            union all
            -- The app-day under the old key no longer has a ledger entry.
            select app_key, usage_date, starts_at from old_rows as moved
            where
                verified_at is null
                and not exists (
                    select from new_rows as kept
                    where kept.app_key = moved.app_key and kept.usage_date = moved.usage_date
                );
        when 'TRUNCATE' then
            delete from core.month_p95;
            delete from core.day_sum;
            delete from core.entered_days;
    end case;
    return null;
end
$$;
