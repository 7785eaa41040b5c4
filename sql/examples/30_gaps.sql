-- Which app-days are incomplete, why, and how long are they available? The soonest to expire come first, lost days
-- last. Consecutive days with the same App ID and state form one row.
select
    run.app_id,
    run.app_name,
    run.state,
    min(run.usage_date) as first_day,
    max(run.usage_date) as last_day,
    count(*) as days,
    288 * count(*) - sum(run.points) as missing_points,
    min(run.days_left) as days_left,
    min(run.reason) as for_example
from (
    select
        gap.*,
        gap.usage_date - row_number() over (
            partition by gap.app_id, gap.state order by gap.usage_date
        )::integer as same_within_a_run
    from mart.coverage as gap
    where gap.state <> 'collected'
) as run
group by run.app_id, run.app_name, run.state, run.same_within_a_run
order by run.state = 'lost', days_left, run.app_id, first_day;
