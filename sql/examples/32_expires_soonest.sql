-- Which twenty app-days expire soonest without being complete? days_left counts from today to the last day on which
-- the vendor is expected to show the day; 0 is today. No account's window is longer than the year looked at.
select
    coverage.days_left,
    coverage.expires_on,
    coverage.app_id,
    coverage.usage_date,
    coverage.state,
    coverage.points,
    coverage.attempts,
    coverage.reason
from mart.coverage as coverage
where
    coverage.usage_date >= current_date - 366
    and coverage.state not in ('collected', 'lost')
    and coverage.days_left >= 0
order by coverage.days_left asc, coverage.app_id asc, coverage.usage_date asc
limit 20;
