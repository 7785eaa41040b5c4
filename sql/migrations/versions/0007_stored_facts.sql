-- The ledger stores only facts: requests, responses and points. Conclusions such as `lost` are computed by views, so
-- that a wrong conclusion ends with its cause.

-- Loaders lock core.app_day first. Another order would cause deadlocks.
lock table core.app_day in access exclusive mode;

-- These views and functions depend on columns that change. They are created again after every migration. Without
-- cascade, a view of your own that depends on them stops the migration with its name instead of being dropped.
drop function if exists core.forget_raw_answers(date);
drop function if exists core.forget_app_days(date);
drop view if exists mart.coverage, mart.billing_monthly_total, mart.billing_monthly, mart.bandwidth_daily;
drop view if exists mart.bandwidth_5min_total, mart.vendor_account, mart.collection_run, mart.restatement, mart.app;
drop view if exists core.summed_day, core.fresh_day_sum, core.wanted_app_day, core.known_app;

-- Delete entries without a request: lost days, and days not requested because of their app's other responses. The
-- triggers are disabled because no aggregate depends on these entries, and core.entered_days is stored again below. A
-- single mistyped backfill creates hundreds of thousands of entries, and one recorded change per entry would slow down
-- every query.
alter table core.app_day disable trigger user;
delete from core.app_day
where attempts = 0 and kbps is null;
update core.app_day set
    state = case when http_status between 200 and 299 then 'rejected' else 'failed' end,
    reason = split_part(reason, '; before that: ', -1)
where state = 'lost';
alter table core.app_day enable trigger user;

-- Store one spelling per App ID. Apps whose App IDs differ only in case become one app: the oldest app takes over the
-- days for which another has more points. If both have equally many, the oldest app's day stays.
create temporary table twin on commit drop as
select
    app.app_key,
    first_value(app.app_key) over (partition by lower(app.app_id) order by app.app_key) as kept_key
from core.app as app;
delete from twin
where app_key = kept_key;
create temporary table moving on commit drop as
select distinct on (twin.kept_key, app_day.usage_date)
    app_day.app_key,
    twin.kept_key,
    app_day.usage_date
from core.app_day as app_day
inner join twin on app_day.app_key = twin.app_key
left join core.app_day as kept
    on twin.kept_key = kept.app_key and app_day.usage_date = kept.usage_date and app_day.points <= kept.points
where kept.app_key is null
order by twin.kept_key asc, app_day.usage_date asc, app_day.points desc, app_day.app_key asc;
delete from core.app_day as app_day
using moving
where app_day.app_key = moving.kept_key and app_day.usage_date = moving.usage_date;
update core.app_day as app_day set app_key = moving.kept_key
from moving
where app_day.app_key = moving.app_key and app_day.usage_date = moving.usage_date;
delete from core.app_day as app_day
using twin
where app_day.app_key = twin.app_key;
update core.restatement as restatement set app_key = twin.kept_key
from twin
where restatement.app_key = twin.app_key;
-- The recorded changes refer to the former key.
update core.changed_app_day as change set app_key = twin.kept_key
from twin
where change.app_key = twin.app_key;
delete from core.month_p95 as stored
using twin
where stored.app_key = twin.app_key;
update core.app as app set
    wanted = app.wanted + others.wanted,
    removed_on = case when others.is_configured then null else greatest(app.removed_on, others.removed_on) end
from (
    select
        twin.kept_key,
        range_agg(other.wanted * datemultirange(daterange(other.kept_since, null))) as wanted,
        bool_or(other.removed_on is null or kept.removed_on is null) as is_configured,
        max(other.removed_on) as removed_on
    from twin
    inner join core.app as other on twin.app_key = other.app_key
    inner join core.app as kept on twin.kept_key = kept.app_key
    group by twin.kept_key
) as others
where app.app_key = others.kept_key;
delete from core.app as app
using twin
where app.app_key = twin.app_key;
update core.app set app_id = lower(app_id)
where app_id <> lower(app_id);
update raw.bandwidth_response set app_id = lower(app_id)
where app_id <> lower(app_id);
-- Two spellings may have one response each from the same moment. One is enough.
delete from core.push_stream_state as state
using core.push_stream_state as other
where
    lower(state.app_id) = lower(other.app_id)
    and state.first_seen_at = other.first_seen_at
    and (state.last_seen_at, state.app_id) < (other.last_seen_at, other.app_id);
update core.push_stream_state set app_id = lower(app_id)
where app_id <> lower(app_id);

truncate core.entered_days;
insert into core.entered_days (app_key, usage_dates)
select
    app_day.app_key,
    range_agg(daterange(app_day.usage_date, app_day.usage_date + 1)) as usage_dates
from core.app_day as app_day
group by app_day.app_key;

alter table core.app add constraint app_id_is_in_lower_case check (app_id = lower(app_id));
alter table core.app add column collect_from date;
alter table core.app add column collect_until date;
alter table core.app add column removed_run text;
alter table core.app add column oldest_shown date;

comment on column core.app.collect_from is 'First usage date, as configured on purpose; null where none is configured.';
comment on column core.app.collect_until is 'Last usage date, as configured on purpose; null where none is configured.';
comment on column core.app.removed_run is
'Airflow''s run ID of the run that found the app gone from the configuration; null while it is configured.';
comment on column core.app.oldest_shown is
'Oldest usage date that the app''s account showed, by the calendar, in any run since the app was first seen or came'
' back. It stays where it is if the app moves to an account of another time zone.';
comment on column core.app.first_seen_at is
'When the app was first configured, or configured again after it had left the configuration.';
comment on column core.app.wanted is
'Usage dates expected of the app: from the oldest day that the vendor showed when the app was first seen, or from'
' collect_from if that is later. Ends the day before the app leaves the configuration.';

-- Days that were no longer available when the app was first seen were never expected. A day with points was available.
update core.app as app set
    wanted = app.wanted * datemultirange(daterange(seen.oldest_day, null))
from (
    select
        known.app_key,
        least(
            ((known.first_seen_at at time zone account.timezone)::date - account.window_length)::date,
            (
                select min(served.usage_date) from core.app_day as served
                where served.app_key = known.app_key and served.points > 0
            )
        ) as oldest_day
    from core.app as known
    inner join core.vendor_account as account on known.conn_id = account.conn_id
) as seen
where app.app_key = seen.app_key and lower(app.wanted) < seen.oldest_day;

-- The last period of an app that came back began with the oldest day that was available then.
update core.app as app set
    first_seen_at = least((last.begins_on + account.window_length) at time zone account.timezone, now())
from core.vendor_account as account,
    (
        select
            several.app_key,
            max(lower(period.usage_dates)) as begins_on
        from core.app as several
        cross join lateral unnest(several.wanted) as period (usage_dates)
        group by several.app_key
        having count(*) > 1
    ) as last
where app.conn_id = account.conn_id and app.app_key = last.app_key;

alter table core.app_day drop constraint state_is_known;
alter table core.app_day add constraint state_is_known check (state in ('collected', 'partial', 'rejected', 'failed'));
alter table core.app_day add column conn_id text;
alter table core.app_day add column verified_at timestamptz;

-- The account is the app's, unless the day starts at midnight in another account's time zone. No aggregate depends on
-- these two columns, so the triggers are disabled.
alter table core.app_day disable trigger user;
update core.app_day as app_day set
    conn_id = found.conn_id,
    verified_at = found.verified_at
from (
    select
        day.app_key,
        day.usage_date,
        coalesce(own.conn_id, other.conn_id, app.conn_id) as conn_id,
        case
            when day.state in ('collected', 'partial') then greatest(day.collected_at, newest.fetched_at)
        end as verified_at
    from core.app_day as day
    inner join core.app as app on day.app_key = app.app_key
    left join core.vendor_account as own
        on
            app.conn_id = own.conn_id
            and day.starts_at = day.usage_date::timestamp at time zone own.timezone
    left join lateral (
        select min(account.conn_id) as conn_id
        from core.vendor_account as account
        where day.starts_at = day.usage_date::timestamp at time zone account.timezone
    ) as other on true
    left join lateral (
        select max(response.fetched_at) as fetched_at
        from raw.bandwidth_response as response
        where
            response.usage_date = day.usage_date
            and response.app_id = app.app_id
            and response.body_sha256 = day.body_sha256
    ) as newest on true
) as found
where app_day.app_key = found.app_key and app_day.usage_date = found.usage_date;
alter table core.app_day enable trigger user;

alter table core.app_day alter column conn_id set not null;
alter table core.app_day add constraint points_are_verified check ((kbps is null) = (verified_at is null));
alter table core.app_day drop constraint app_day_pkey, add primary key (app_key, usage_date)
include (starts_at, state, points, conn_id);
-- Finds apps that received the same response body for a day. Days without traffic have equal bodies by nature.
create index app_day_same_body on core.app_day (usage_date, body_sha256) where top_kbps[1] > 0;

comment on column core.app_day.state is
'What the responses came to: collected (288 points), partial (fewer, all sound), rejected (the response breaks the'
' vendor''s contract) or failed (no usable response). Whether a day is lost is computed, see mart.coverage.';
comment on column core.app_day.conn_id is
'Account whose connection requested the day; starts_at is its midnight, whatever account owns the app today.';
comment on column core.app_day.attempts is 'How many responses, or failures to get one, are recorded.';
comment on column core.app_day.verified_at is
'When the newest sound response for the day was received, whether or not it changed a point; null without points.';

alter table core.restatement add column old_starts_at timestamptz;
alter table core.restatement add column new_starts_at timestamptz;
alter table core.restatement add column old_sum_kbps double precision;
alter table core.restatement add column new_sum_kbps double precision;
alter table core.restatement add column reviewed_at timestamptz;
alter table core.restatement add column reviewed_by text;
grant update (reviewed_at, reviewed_by) on core.restatement to loader;

comment on column core.restatement.old_starts_at is 'Start of the day before; null for restatements of release 1.0.0.';
comment on column core.restatement.new_starts_at is 'Start of the day since; another instant if its time zone changed.';
comment on column core.restatement.old_sum_kbps is 'Sum of the old points, kbps; null for those of release 1.0.0.';
comment on column core.restatement.new_sum_kbps is 'Sum of the new points, kbps; 0 where none were left.';
comment on column core.restatement.reviewed_at is 'When a person marked it as reviewed; null before.';
comment on column core.restatement.reviewed_by is 'User who marked it as reviewed.';

-- The window's edge is no longer stored: each run finds it with a few requests per date.
alter table core.vendor_account drop column learned_on, drop column oldest_served;
alter table core.vendor_account drop column newest_refused, drop column refusal;
comment on table core.vendor_account is 'Grain: one vendor account, as an Airflow connection.';

alter table core.collection_run rename column points to points_received;
alter table core.collection_run add column app_days_received integer;
alter table core.collection_run add column problems text not null default '';

comment on column core.collection_run.app_days is 'App-days that the run planned to request.';
comment on column core.collection_run.app_days_received is
'App-days for which a sound response was received; null for runs of release 1.0.0.';
comment on column core.collection_run.points_received is
'Points in those responses, whether or not they changed anything.';
comment on column core.collection_run.app_days_changed is 'App-days whose stored points the run changed.';
comment on column core.collection_run.problems is 'What failed, in words; empty where nothing did.';

create table core.dag_schedule (
    dag_id text primary key,
    next_run_at timestamptz,
    period interval not null,
    is_paused boolean not null,
    recorded_at timestamptz not null default now(),
    constraint period_is_positive check (period > interval '0')
);

comment on table core.dag_schedule is
'Grain: one scheduled DAG. When it runs next, as Airflow reported it when a run of the DAG or of agora_bandwidth_watch'
' started.';
comment on column core.dag_schedule.dag_id is 'Name of the DAG.';
comment on column core.dag_schedule.next_run_at is 'When Airflow creates the next run; null if it does not.';
comment on column core.dag_schedule.period is 'Time between two scheduled runs.';
comment on column core.dag_schedule.is_paused is 'Whether the DAG is paused.';
comment on column core.dag_schedule.recorded_at is 'When this was recorded, by the warehouse''s clock.';

grant select, insert, update on core.dag_schedule to loader;
