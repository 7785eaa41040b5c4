-- Which App IDs have push-streaming enabled, since when, and which App IDs changed in the last 30 days? One row per App
-- ID that has push-streaming enabled or that changed, latest change first. The change happened between otherwise_until
-- and since. otherwise_until is the time of the vendor's last response with the other state (null if there was none).
with period as (
    select
        state.*,
        lag(state.last_seen_at) over (partition by state.app_id order by state.first_seen_at) as otherwise_until
    from mart.push_stream_state as state
)

select
    period.app_id,
    period.app_name,
    bool_or(period.enabled and period.is_current) as enabled,
    max(period.first_seen_at) as since,
    max(period.last_seen_at) as last_seen_at,
    max(period.otherwise_until) as otherwise_until,
    count(period.otherwise_until) filter (where period.first_seen_at >= current_date - 30) as changes_in_30_days
from period
group by period.app_id, period.app_name
having
    bool_or(period.enabled and period.is_current)
    or count(period.otherwise_until) filter (where period.first_seen_at >= current_date - 30) > 0
order by since desc, period.app_id asc;
