-- The expensive aggregates of bills are stored: each app-month's 95th percentile, and each day's sum of all apps. A
-- stored aggregate is used only while no change of its points is recorded: docs/adr/0007.

create table core.month_p95 (
    app_key integer not null,
    month date not null,
    p95_kbps double precision not null,
    last_day date not null,
    primary key (month, app_key)
);

comment on table core.month_p95 is
'Grain: one App ID and calendar month: its 95th percentile when core.refresh_figures ran last. Only counts while'
' core.changed_app_day has none of its days.';
comment on column core.month_p95.app_key is 'App, see core.app.';
comment on column core.month_p95.month is 'First day of the calendar month.';
comment on column core.month_p95.p95_kbps is '95th percentile of the points of all the month''s days, kbps.';
comment on column core.month_p95.last_day is
'Last usage date with points; the bills take the figure once that day is over.';

create table core.day_sum (
    usage_date date not null,
    starts_at timestamptz not null,
    kbps double precision[] not null,
    primary key (usage_date, starts_at)
);

comment on table core.day_sum is
'Grain: one usage date and start of it: all apps summed when core.refresh_figures ran last. Only counts while'
' core.changed_app_day has none of its app-days.';
comment on column core.day_sum.usage_date is 'Usage date.';
comment on column core.day_sum.starts_at is 'Instant at which slot 1 starts; accounts of other time zones have others.';
comment on column core.day_sum.kbps is 'One sum a five-minute slot, kbps; null where no app has a point.';

-- Without a key or an index, concurrent loaders never wait for each other. They only insert.
create table core.changed_app_day (
    app_key integer not null,
    usage_date date not null,
    starts_at timestamptz not null
);

comment on table core.changed_app_day is
'Grain: one change of an app-day''s points since core.refresh_figures ran last; written by triggers of core.app_day.';
comment on column core.changed_app_day.app_key is 'App, see core.app.';
comment on column core.changed_app_day.usage_date is 'Usage date whose points were added, changed or taken back.';
comment on column core.changed_app_day.starts_at is 'Start of the day that the points have, or had.';

grant insert on core.changed_app_day to loader;

create function core.note_changed_points() returns trigger
language plpgsql set search_path = pg_catalog
as $$
begin
    case tg_op
        when 'INSERT' then
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from new_rows where kbps is not null;
        when 'DELETE' then
            insert into core.changed_app_day (app_key, usage_date, starts_at)
            select app_key, usage_date, starts_at from old_rows where kbps is not null;
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
            ) as change;
        when 'TRUNCATE' then
            delete from core.month_p95;
            delete from core.day_sum;
    end case;
    return null;
end
$$;

comment on function core.note_changed_points is
'Trigger: notes in core.changed_app_day whose points a statement changed, in the same transaction.';
revoke all on function core.note_changed_points from public;

create trigger note_added_points after insert on core.app_day
referencing new table as new_rows
for each statement execute function core.note_changed_points();
create trigger note_changed_points after update on core.app_day
referencing old table as old_rows new table as new_rows
for each statement execute function core.note_changed_points();
create trigger note_removed_points after delete on core.app_day
referencing old table as old_rows
for each statement execute function core.note_changed_points();
create trigger note_all_points_removed after truncate on core.app_day
for each statement execute function core.note_changed_points();

-- No aggregate of earlier points is stored yet.
insert into core.changed_app_day (app_key, usage_date, starts_at)
select
    app_day.app_key,
    app_day.usage_date,
    app_day.starts_at
from core.app_day as app_day
where app_day.kbps is not null;
