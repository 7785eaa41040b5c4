-- Checks that the state, the points and the reason of each app-day of the last forty days agree.
-- If it fails: a constraint of core.app_day was dropped, or something other than agora.warehouse.app_days writes to it.
-- Restore the constraint (sql/migrations), then load the days again (agora_bandwidth_backfill with reload).
select
    coalesce(
        bool_and(app_day.points = 288) filter (where app_day.state = 'collected'), true
    ) as every_collected_day_has_288_points,
    coalesce(
        bool_and(app_day.points between 0 and 287) filter (where app_day.state = 'partial'), true
    ) as every_partial_day_has_fewer_points,
    coalesce(
        bool_and(app_day.points = 0 and app_day.kbps is null)
        filter (where app_day.state not in ('collected', 'partial')), true
    ) as no_other_day_has_points,
    coalesce(
        bool_and(app_day.reason <> '') filter (where app_day.state <> 'collected'), true
    ) as every_incomplete_day_says_why,
    -- Days that were never requested have no ledger entry. Their state is computed.
    coalesce(bool_and(app_day.attempts >= 1), true) as every_recorded_day_was_requested
from core.app_day as app_day
where app_day.usage_date >= current_date - 40;
