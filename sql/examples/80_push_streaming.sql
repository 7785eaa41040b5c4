-- Which App IDs have push-streaming enabled, since when, and which changed in the last 30 days? One row an App ID that
-- has it or changed, the latest change first. The change lies between otherwise_until, when the vendor still said the
-- contrary, and since; otherwise_until is null where it never did.
with stretch as (
    select
        state.*,
        lag(state.last_seen_at) over (partition by state.app_id order by state.first_seen_at) as otherwise_until
    from mart.push_stream_state as state
)

select
    stretch.app_id,
    stretch.app_name,
    bool_or(stretch.enabled and stretch.is_current) as enabled,
    max(stretch.first_seen_at) as since,
    max(stretch.last_seen_at) as last_seen_at,
    max(stretch.otherwise_until) as otherwise_until,
    count(stretch.otherwise_until) filter (where stretch.first_seen_at >= current_date - 30) as changes_in_30_days
from stretch
group by stretch.app_id, stretch.app_name
having
    bool_or(stretch.enabled and stretch.is_current)
    or count(stretch.otherwise_until) filter (where stretch.first_seen_at >= current_date - 30) > 0
order by since desc, stretch.app_id asc;
