-- Loaders lock core.app_day first. Another order would cause deadlocks.
lock table core.app_day in access exclusive mode;

-- Logical replication refuses to delete rows of a published table without a key, so every refresh would fail. The key
-- comes from a sequence, so loaders still never wait for each other.
alter table core.changed_app_day add column change_key bigint generated always as identity primary key;

comment on column core.changed_app_day.change_key is 'Key, in order of arrival; logical replication needs one.';

-- PostgreSQL stores dates to which it cannot add a month, and dates that programs cannot read. One such date stops
-- every refresh or every reader, and the loader cannot delete it. Stored rows come from programs, so they are not
-- checked. The checks do not use BETWEEN, because pg_dump writes BETWEEN differently after a restore.
alter table core.app_day add constraint dates_have_four_digit_years check (
    usage_date >= '0001-01-01' and usage_date <= '9999-12-31'
    and starts_at >= '0001-01-01 00:00Z' and starts_at <= '9999-12-31 00:00Z'
    and collected_at >= '0001-01-01 00:00Z' and collected_at <= '9999-12-31 00:00Z'
    and verified_at >= '0001-01-01 00:00Z' and verified_at <= '9999-12-31 00:00Z'
) not valid;
alter table core.app add constraint dates_have_four_digit_years check (
    collect_from >= '0001-01-01' and collect_from <= '9999-12-31'
    and collect_until >= '0001-01-01' and collect_until <= '9999-12-31'
    and kept_since >= '0001-01-01' and kept_since <= '9999-12-31'
    and removed_on >= '0001-01-01' and removed_on <= '9999-12-31'
    and oldest_shown >= '0001-01-01' and oldest_shown <= '9999-12-31'
    and lower(wanted) >= '0001-01-01'
    and upper(wanted) <= '10000-01-01'
    and first_seen_at >= '0001-01-01 00:00Z' and first_seen_at <= '9999-12-31 00:00Z'
) not valid;
alter table core.changed_app_day add constraint dates_have_four_digit_years check (
    usage_date >= '0001-01-01' and usage_date <= '9999-12-31'
    and starts_at >= '0001-01-01 00:00Z' and starts_at <= '9999-12-31 00:00Z'
) not valid;
alter table core.restatement add constraint dates_have_four_digit_years check (
    usage_date >= '0001-01-01' and usage_date <= '9999-12-31'
    and restated_at >= '0001-01-01 00:00Z' and restated_at <= '9999-12-31 00:00Z'
    and old_collected_at >= '0001-01-01 00:00Z' and old_collected_at <= '9999-12-31 00:00Z'
    and new_collected_at >= '0001-01-01 00:00Z' and new_collected_at <= '9999-12-31 00:00Z'
    and old_starts_at >= '0001-01-01 00:00Z' and old_starts_at <= '9999-12-31 00:00Z'
    and new_starts_at >= '0001-01-01 00:00Z' and new_starts_at <= '9999-12-31 00:00Z'
    and reviewed_at >= '0001-01-01 00:00Z' and reviewed_at <= '9999-12-31 00:00Z'
) not valid;
alter table core.collection_run add constraint dates_have_four_digit_years check (
    started_at >= '0001-01-01 00:00Z' and started_at <= '9999-12-31 00:00Z'
    and ended_at >= '0001-01-01 00:00Z' and ended_at <= '9999-12-31 00:00Z'
) not valid;
alter table core.push_stream_state add constraint dates_have_four_digit_years check (
    first_seen_at >= '0001-01-01 00:00Z' and first_seen_at <= '9999-12-31 00:00Z'
    and last_seen_at >= '0001-01-01 00:00Z' and last_seen_at <= '9999-12-31 00:00Z'
) not valid;
alter table core.dag_schedule add constraint dates_have_four_digit_years check (
    next_run_at >= '0001-01-01 00:00Z' and next_run_at <= '9999-12-31 00:00Z'
    and recorded_at >= '0001-01-01 00:00Z' and recorded_at <= '9999-12-31 00:00Z'
) not valid;
alter table raw.bandwidth_response add constraint dates_have_four_digit_years check (
    usage_date >= '0001-01-01' and usage_date <= '9999-12-31'
    and fetched_at >= '0001-01-01 00:00Z' and fetched_at <= '9999-12-31 00:00Z'
) not valid;

-- core.forget_app_days fires this trigger as the owner, whoever calls the function. Temporary names come last, so that
-- no caller can put a type or function of its own in front.
alter function core.note_changed_points() set search_path = pg_catalog, pg_temp; -- noqa: PRS
