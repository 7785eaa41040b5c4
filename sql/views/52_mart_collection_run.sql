-- Grain: one row per finished collection run. Key: dag_id, run_id. Each row counts the planned app-days, the received
-- app-days and the requests. Consumers: operators, the Health page.
create or replace view mart.collection_run as
select
    run.dag_id,
    run.run_id,
    run.started_at,
    run.ended_at,
    run.app_days,
    run.app_days_changed,
    run.app_days_received,
    run.points_received,
    run.requests,
    run.retries,
    run.limited,
    run.failed_apps,
    run.collected,
    run.partial,
    run.rejected,
    run.failed,
    run.lost,
    run.pending,
    run.problems
from core.collection_run as run;

comment on view mart.collection_run is
'Grain: one row per finished collection run. Clearing a run and running it again replaces its row.';
comment on column mart.collection_run.dag_id is 'Name of the DAG.';
comment on column mart.collection_run.run_id is 'Airflow run ID.';
comment on column mart.collection_run.started_at is 'When the run began.';
comment on column mart.collection_run.ended_at is 'When the run''s last task recorded this row.';
comment on column mart.collection_run.app_days is 'App-days that the run planned to request.';
comment on column mart.collection_run.app_days_changed is 'App-days whose stored points the run changed.';
comment on column mart.collection_run.app_days_received is
'App-days for which a sound response was received; null for runs recorded by release 1.0.0.';
comment on column mart.collection_run.points_received is
'Number of points in the sound responses, whether or not they changed a stored point.';
comment on column mart.collection_run.requests is
'Requests made by the collecting tasks, including retries. Requests made by a killed task are not counted.';
comment on column mart.collection_run.retries is 'Requests repeated after a 429 or 5xx response or after no response.';
comment on column mart.collection_run.limited is 'Requests that the vendor throttled with 429.';
comment on column mart.collection_run.failed_apps is 'Apps with a failed or rejected day.';
comment on column mart.collection_run.collected is 'App-days with 288 points when the run ended.';
comment on column mart.collection_run.partial is 'App-days with fewer than 288 points, all sound.';
comment on column mart.collection_run.rejected is 'App-days whose response breaks the vendor''s contract.';
comment on column mart.collection_run.failed is 'App-days without a usable response.';
comment on column mart.collection_run.lost is 'App-days that were never collected and are no longer available.';
comment on column mart.collection_run.pending is 'App-days not requested, because a task ended early.';
comment on column mart.collection_run.problems is 'Description of the failures; empty if there were none.';
