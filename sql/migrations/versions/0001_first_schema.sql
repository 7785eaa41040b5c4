-- First schema: raw responses, apps, and app-days with their points.
-- Runs as the role owner. The roles loader and analyst must exist.

create schema raw;
create schema core;
create schema mart;

comment on schema raw is 'Answers of the vendor as received, before anything is read from them.';
comment on schema core is 'Facts and the ledger: what was collected, what is missing and why.';
comment on schema mart is 'Views for people: points, daily figures, bills, coverage.';

create table raw.bandwidth_response (
    response_key bigint generated always as identity primary key,
    app_id text not null,
    usage_date date not null,
    fetched_at timestamptz not null,
    http_status smallint not null,
    body bytea not null,
    body_sha256 bytea not null,
    fault text not null default ''
)
-- Bodies of 4 kB stay in the row uncompressed. Compression took six times as long as writing, and only halved the
-- size.
with (toast_tuple_target = 8160);
create index bandwidth_response_app_day on raw.bandwidth_response (usage_date, app_id);
create index bandwidth_response_fetched_at on raw.bandwidth_response using brin (fetched_at);

comment on table raw.bandwidth_response is
'Grain: one received answer to a bandwidth call. Written and committed before it is decoded.';
comment on column raw.bandwidth_response.response_key is 'Key, in order of arrival.';
comment on column raw.bandwidth_response.app_id is 'App ID that was asked about.';
comment on column raw.bandwidth_response.usage_date is 'Usage date that was asked for.';
comment on column raw.bandwidth_response.fetched_at is 'When the answer was complete.';
comment on column raw.bandwidth_response.http_status is 'HTTP status of the answer.';
comment on column raw.bandwidth_response.body is
'Bytes received, content encoding undone; readable with convert_from(body, ''UTF8'').';
comment on column raw.bandwidth_response.body_sha256 is 'SHA-256 of body.';
comment on column raw.bandwidth_response.fault is
'Why the body is not whole (cut at the size cap, truncated, …); empty where it is.';

create table core.vendor_account (
    conn_id text primary key,
    timezone text not null,
    window_length interval not null,
    learned_on date,
    oldest_served date,
    newest_refused date,
    refusal text,
    constraint edge_is_adjacent check (
        (learned_on is null) = (oldest_served is null)
        and (learned_on is null) = (newest_refused is null)
        and newest_refused < oldest_served
    )
);

comment on table core.vendor_account is
'Grain: one vendor account, as an Airflow connection. Also what was learned of its window''s edge.';
comment on column core.vendor_account.conn_id is 'Name of the Airflow connection.';
comment on column core.vendor_account.timezone is
'IANA zone of the account''s usage dates; a zone without clock changes.';
comment on column core.vendor_account.window_length is
'How long the vendor is expected to show a day: 1 month or N days.';
comment on column core.vendor_account.learned_on is
'Vendor''s date on which the edge was learned from its answers; null before.';
comment on column core.vendor_account.oldest_served is 'Oldest usage date the vendor answered on that date.';
comment on column core.vendor_account.newest_refused is
'Day before it, refused with 400 for the same app on that date.';
comment on column core.vendor_account.refusal is 'The vendor''s words when it refused.';

create table core.app (
    app_key integer generated always as identity primary key,
    app_id text not null unique,
    name text not null,
    conn_id text not null references core.vendor_account,
    wanted_from date not null,
    wanted_until date,
    first_seen_at timestamptz not null default now()
);

comment on table core.app is 'Grain: one App ID that was ever configured.';
comment on column core.app.app_key is 'Short key used by core.app_day.';
comment on column core.app.app_id is 'The vendor''s App ID.';
comment on column core.app.name is 'Name for people; the App ID where none was given.';
comment on column core.app.conn_id is 'Account that owns the app.';
comment on column core.app.wanted_from is 'First usage date wanted every night.';
comment on column core.app.wanted_until is
'Last usage date wanted; null without end. Set to the day before when an app leaves the configuration.';
comment on column core.app.first_seen_at is 'When the app was first configured.';

create table core.app_day (
    app_key integer not null references core.app,
    usage_date date not null,
    starts_at timestamptz not null,
    state text not null,
    points smallint not null,
    kbps double precision[],
    attempts integer not null,
    http_status smallint,
    reason text not null default '',
    collected_at timestamptz,
    body_sha256 bytea,
    -- The fifteen largest points: [1] is the peak, [5] the fifth peak, [5 × points / 100 + 1] the 95th percentile.
    top_kbps double precision[] generated always as ((array_sort(kbps, true, false))[1:15]) stored,
    primary key (app_key, usage_date),
    constraint state_is_known check (
        state in ('pending', 'collected', 'partial', 'rejected', 'failed', 'lost')
    ),
    constraint points_match_state check (
        case
            when state = 'collected' then points = 288
            when state = 'partial' then points between 0 and 287
            else points = 0
        end
    ),
    constraint only_sound_days_have_a_grid check (
        (state in ('collected', 'partial')) = (kbps is not null)
        and (state in ('collected', 'partial')) <= (collected_at is not null and body_sha256 is not null)
    ),
    constraint grid_is_288_slots check (array_ndims(kbps) = 1 and array_lower(kbps, 1) = 1 and cardinality(kbps) = 288),
    constraint points_are_the_slots_present check (cardinality(array_remove(kbps, null)) = points),
    -- PostgreSQL sorts NaN above every number, so this check refuses NaN, too.
    constraint rates_are_plausible check (0 <= all(kbps) and 1e11 >= all(kbps)),
    constraint attempts_are_counted check (attempts >= 0)
);
-- A month's bill reads that month, the planner reads incomplete days, and the checks read recent days.
create index app_day_month on core.app_day ((date_trunc('month', usage_date::timestamp)::date), app_key);
create index app_day_incomplete on core.app_day (usage_date, app_key) where state <> 'collected';
create index app_day_collected_at on core.app_day using brin (collected_at);

comment on table core.app_day is
'Grain: one App ID and usage date: ledger entry and points in one row, so they cannot disagree.';
comment on column core.app_day.app_key is 'App, see core.app.';
comment on column core.app_day.usage_date is 'Usage date in the account''s time zone.';
comment on column core.app_day.starts_at is 'Instant at which slot 1 starts; slot n starts (n - 1) × 5 minutes later.';
comment on column core.app_day.state is
'pending, collected (288 points), partial (fewer, all sound), rejected, failed or lost.';
comment on column core.app_day.points is 'How many points the vendor delivered.';
comment on column core.app_day.kbps is 'One element a five-minute slot, kbps; null where the vendor delivered none.';
comment on column core.app_day.attempts is 'How often the vendor was asked with a recorded outcome.';
comment on column core.app_day.http_status is 'Status of the last recorded answer; null without one.';
comment on column core.app_day.reason is 'Why there are not 288 points; empty where there are.';
comment on column core.app_day.collected_at is 'When the answer was received that the points are from.';
comment on column core.app_day.body_sha256 is 'Digest of that answer''s body, as in raw.bandwidth_response.';
comment on column core.app_day.top_kbps is 'The day''s fifteen largest points, descending, kbps; generated.';

revoke all on schema raw, core, mart from public;

grant usage on schema raw, core, mart to loader;
grant select, insert on raw.bandwidth_response to loader;
grant select, insert, update on core.vendor_account, core.app, core.app_day to loader;
alter default privileges in schema mart grant select on tables to loader;
alter default privileges in schema core grant select on tables to loader;

grant usage on schema mart to analyst;
alter default privileges in schema mart grant select on tables to analyst;
