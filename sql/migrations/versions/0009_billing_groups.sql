-- Apps that are billed together belong to one billing group. The sum of a day is stored per group, because a bill of
-- several apps ranks the sums.

-- Loaders lock core.app_day first. Another order would cause deadlocks.
lock table core.app_day in access exclusive mode;

alter table core.app add column billing_group text;
comment on column core.app.billing_group is
'Apps with the same group are billed together; null if the group is the account, that is, conn_id.';

truncate core.day_sum;
alter table core.day_sum drop constraint day_sum_pkey;
alter table core.day_sum add column billing_group text not null;
alter table core.day_sum add primary key (usage_date, starts_at, billing_group);
comment on column core.day_sum.billing_group is 'Billing group of the apps whose points are added.';

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

create function core.note_changed_group() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.changed_app_day (app_key, usage_date, starts_at)
    select app_day.app_key, app_day.usage_date, app_day.starts_at
    from core.app_day as app_day
    where app_day.app_key = new.app_key and app_day.points > 0;
    return null;
end
$$;

comment on function core.note_changed_group is
'Trigger: records in core.changed_app_day the days of an app that moved to another billing group.';
revoke all on function core.note_changed_group from public;

create trigger note_changed_group after update of billing_group, conn_id on core.app
for each row when (coalesce(old.billing_group, old.conn_id) <> coalesce(new.billing_group, new.conn_id))
execute function core.note_changed_group();
