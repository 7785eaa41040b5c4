-- Grain: one row per scheduled DAG. Key: dag_id. Each row has the DAG's next run and shows whether the DAG is late.
-- Consumers: operators, alerts.
create or replace view mart.dag_schedule as
select
    schedule.dag_id,
    schedule.next_run_at,
    schedule.period,
    schedule.is_paused,
    schedule.recorded_at,
    case
        -- Users without push-streaming pause the push-streaming DAGs. A paused bandwidth DAG loses days.
        when schedule.is_paused then starts_with(schedule.dag_id, 'agora_bandwidth_')
        when schedule.next_run_at is null then true
        else
            schedule.next_run_at < mart.clock() - interval '1 hour'
            or schedule.next_run_at > mart.clock() + 1.5 * schedule.period
    end as is_late
from core.dag_schedule as schedule;

comment on view mart.dag_schedule is
'Grain: one row per scheduled DAG, as Airflow reported it at the start of a run of the DAG or of'
' agora_bandwidth_watch.';
comment on column mart.dag_schedule.dag_id is 'Name of the DAG.';
comment on column mart.dag_schedule.next_run_at is 'When Airflow creates the next run; null if there is none.';
comment on column mart.dag_schedule.period is 'Time between two scheduled runs.';
comment on column mart.dag_schedule.is_paused is 'Whether the DAG is paused, so that no scheduled run starts.';
comment on column mart.dag_schedule.recorded_at is 'When this row was recorded, according to the warehouse''s clock.';
comment on column mart.dag_schedule.is_late is
'Whether the next run is more than one hour overdue, more than one and a half periods away, or not planned. Among'
' paused DAGs, only bandwidth DAGs count as late.';
