-- Expected days in several periods, restatements, and one rate limit for all tasks of a vendor account.

-- These views depend on columns that are dropped. They are created again after every migration. Without cascade, a
-- view of your own that depends on them stops the migration with its name instead of being dropped.
drop view if exists mart.coverage, mart.billing_monthly_total, mart.billing_monthly, mart.bandwidth_daily;
drop view if exists core.wanted_app_day;

alter table core.app add column wanted datemultirange;
alter table core.app add column kept_since date;
alter table core.app add column removed_on date;
update core.app set
    wanted = datemultirange(daterange(wanted_from, null)) * datemultirange(daterange(null, wanted_until, '[]')),
    -- The next plan sets it to null for configured apps.
    removed_on = wanted_until + 1;
alter table core.app alter column wanted set not null;
alter table core.app add constraint wanted_has_a_first_day check (not lower_inf(wanted));
alter table core.app drop column wanted_from, drop column wanted_until;

comment on column core.app.wanted is
'Usage dates wanted every night. Ends the day before the app leaves the configuration; another period begins when'
' it comes back.';
comment on column core.app.kept_since is
'Older days were dropped by retention and are not wanted any more; null where none were.';
comment on column core.app.removed_on is 'Day on which the app left the configuration; null while it is configured.';

create table core.restatement (
    app_key integer not null references core.app,
    usage_date date not null,
    restated_at timestamptz not null default clock_timestamp(),
    points_changed smallint not null,
    points_added smallint not null,
    old_collected_at timestamptz not null,
    new_collected_at timestamptz,
    old_body_sha256 bytea not null,
    new_body_sha256 bytea,
    primary key (app_key, usage_date, restated_at)
);

comment on table core.restatement is 'Grain: one replacement of an app-day''s points by others, or their withdrawal.';
comment on column core.restatement.app_key is 'App, see core.app.';
comment on column core.restatement.usage_date is 'Usage date in the account''s time zone.';
comment on column core.restatement.restated_at is 'When the points were replaced here.';
comment on column core.restatement.points_changed is
'How many points that were held are another number now, or absent.';
comment on column core.restatement.points_added is 'How many points were absent before.';
comment on column core.restatement.old_collected_at is 'When the answer was received that the old points were from.';
comment on column core.restatement.new_collected_at is
'When the answer was received that the new points are from; null where none were left.';
comment on column core.restatement.old_body_sha256 is 'Digest of the old answer''s body, as in raw.bandwidth_response.';
comment on column core.restatement.new_body_sha256 is 'Digest of the new one''s; the same where it is only read anew.';

create table core.request_pace (
    conn_id text primary key references core.vendor_account,
    state jsonb not null
);

comment on table core.request_pace is
'Grain: one vendor account: how fast it may be asked at present, shared by all tasks.';
comment on column core.request_pace.conn_id is 'Account, see core.vendor_account.';
comment on column core.request_pace.state is 'Rate, next free moment and what was learned from 429s.';

grant select, insert on core.restatement to loader;
grant select, insert, update on core.request_pace to loader;
