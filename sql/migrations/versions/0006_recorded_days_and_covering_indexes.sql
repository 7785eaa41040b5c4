-- Missing days are found, and all apps summed, without a scan of the history: the days with a ledger entry are stored
-- per app, and the number of apps is stored beside each day's sum. Both are used only while no change is recorded:
-- docs/adr/0007.

-- Loaders lock core.app_day first. Another order would cause deadlocks.
lock table core.app_day in access exclusive mode;

create table core.entered_days (
    app_key integer primary key,
    usage_dates datemultirange not null
);

comment on table core.entered_days is
'Grain: one App ID: days that had a ledger entry when core.refresh_figures ran last, not necessarily all of them. Of'
' these, only those that core.changed_app_day has can be without one.';
comment on column core.entered_days.app_key is 'App, see core.app.';
comment on column core.entered_days.usage_dates is 'Usage dates that have a row in core.app_day.';

insert into core.entered_days (app_key, usage_dates)
select
    app_day.app_key,
    range_agg(daterange(app_day.usage_date, app_day.usage_date + 1)) as usage_dates
from core.app_day as app_day
group by app_day.app_key;

truncate core.day_sum;
alter table core.day_sum add column apps integer[] not null;

comment on column core.day_sum.apps is 'How many apps have a point, one element a five-minute slot.';

-- The key's index includes every column that coverage, the planner and the sums read, so that they do not read the
-- points. The index has a twentieth of the table's bytes.
alter table core.app_day drop constraint app_day_pkey, add primary key (app_key, usage_date)
include (starts_at, state, points);

-- Every night checks each day of the window: whether its response is stored, and whether it was requested again since
-- it settled. The index answers both without reading a body.
drop index raw.bandwidth_response_app_day;
create index bandwidth_response_app_day on raw.bandwidth_response (usage_date, app_id)
include (fetched_at, http_status, body_sha256);

-- Index-only scans need rows that were vacuumed. By default, autovacuum waits until a fifth of the table is new, which
-- after a few months is the whole window. With these settings it runs after each night, and reads only new rows.
alter table core.app_day set (
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000
);
alter table raw.bandwidth_response set (
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 1000
);

create or replace function core.note_changed_points() returns trigger
language plpgsql set search_path = pg_catalog
as $$
begin
    case tg_op
        when 'INSERT' then
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from new_rows where kbps is not null;
        when 'DELETE' then
            -- Without points, too: the day has no ledger entry any more.
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from old_rows;
        when 'UPDATE' then
            -- Where only the ledger's part changed, no figure does.
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at
            from (
                (
                    select app_key, usage_date, starts_at, kbps from old_rows where kbps is not null
                    except
                    select app_key, usage_date, starts_at, kbps from new_rows where kbps is not null
                )
                union all
                (
                    select app_key, usage_date, starts_at, kbps from new_rows where kbps is not null
                    except
                    select app_key, usage_date, starts_at, kbps from old_rows where kbps is not null
                )
            ) as change
            union all
            -- The day it was has no ledger entry any more.
            select app_key, usage_date, starts_at from old_rows as moved
            where
                kbps is null
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

-- One recorded change per day is enough for its sum to be stored again.
insert into core.changed_app_day (app_key, usage_date, starts_at)
select distinct on (app_day.usage_date, app_day.starts_at)
    app_day.app_key,
    app_day.usage_date,
    app_day.starts_at
from core.app_day as app_day
where
    app_day.points > 0
    and not exists (
        select from core.changed_app_day as noted
        where noted.usage_date = app_day.usage_date and noted.starts_at = app_day.starts_at
    )
order by app_day.usage_date, app_day.starts_at, app_day.app_key;
