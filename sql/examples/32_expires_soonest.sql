-- Which twenty incomplete app-days expire soonest? days_left is the number of days from today to the last day on which
-- the vendor is expected to serve the app-day; 0 means today. The query reads one year, because no account's window is
-- longer.
select
    coverage.days_left,
    coverage.expires_on,
    coverage.app_id,
    coverage.app_name,
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
