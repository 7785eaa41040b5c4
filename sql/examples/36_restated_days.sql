-- Which of the last 90 days did the vendor restate, and which bill changes? One row per app-day, however often it
-- changed. The latest change comes first.
select
    restatement.app_id,
    restatement.app_name,
    restatement.usage_date,
    date_trunc('month', restatement.usage_date)::date as month,
    count(*) as times_restated,
    sum(restatement.points_changed) as points_changed,
    sum(restatement.points_added) as points_added,
    max(restatement.restated_at) as last_restated_at
from mart.restatement as restatement
where restatement.usage_date >= current_date - 90
group by restatement.app_id, restatement.app_name, restatement.usage_date
order by last_restated_at desc, restatement.app_id asc, restatement.usage_date asc;
