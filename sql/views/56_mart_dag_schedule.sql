-- Grain: one scheduled DAG. Key: dag_id. The DAG's next run, and whether it is late. Consumers: operators, alerts.
create or replace view mart.dag_schedule as
select
    schedule.dag_id,
    schedule.next_run_at,
    schedule.period,
    schedule.is_paused,
    schedule.recorded_at,
    case
        -- Accounts without push-streaming pause its DAGs. A paused bandwidth DAG loses days.
        when schedule.is_paused then starts_with(schedule.dag_id, 'agora_bandwidth_')
        when schedule.next_run_at is null then true
        else
            schedule.next_run_at < mart.clock() - interval '1 hour'
            or schedule.next_run_at > mart.clock() + 1.5 * schedule.period
    end as is_late
from core.dag_schedule as schedule;

comment on view mart.dag_schedule is
'Grain: one scheduled DAG, as Airflow reported it when a run of the DAG or of agora_bandwidth_watch started.';
comment on column mart.dag_schedule.dag_id is 'Name of the DAG.';
comment on column mart.dag_schedule.next_run_at is 'When Airflow creates the next run; null without a next run.';
comment on column mart.dag_schedule.period is 'Time between two scheduled runs.';
comment on column mart.dag_schedule.is_paused is 'Whether the DAG is paused: no scheduled run starts.';
comment on column mart.dag_schedule.recorded_at is 'When this was recorded, by the warehouse''s clock.';
comment on column mart.dag_schedule.is_late is
'The next run is more than one hour overdue, more than one and a half periods away, or not planned. Of the paused'
' DAGs, only those for bandwidth are late.';
