-- Grain: one collecting run that ended. Key: dag_id, run_id. What it asked for, what came of it, and what it
-- cost the vendor's rate limit. Consumers: operators, whoever asks why last night was slow.
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
'Grain: one collecting run that ended. A run that is cleared and runs again says what it did last.';
comment on column mart.collection_run.dag_id is 'The DAG.';
comment on column mart.collection_run.run_id is 'Airflow''s name of the run.';
comment on column mart.collection_run.started_at is 'When the run began.';
comment on column mart.collection_run.ended_at is 'When its last step wrote this.';
comment on column mart.collection_run.app_days is 'App-days that the run planned to request.';
comment on column mart.collection_run.app_days_changed is 'App-days whose stored points the run changed.';
comment on column mart.collection_run.app_days_received is
'App-days for which a sound response was received; null for runs of release 1.0.0.';
comment on column mart.collection_run.points_received is
'Points in those responses, whether or not they changed anything.';
comment on column mart.collection_run.requests is
'Requests of the collecting tasks, retries included; those of a task that was killed are not known.';
comment on column mart.collection_run.retries is
'How many of them asked once more after a 429, a 5xx or no answer.';
comment on column mart.collection_run.limited is 'How many of them were answered 429.';
comment on column mart.collection_run.failed_apps is 'Apps of which a day failed or was rejected.';
comment on column mart.collection_run.collected is 'App-days with 288 points when the run ended.';
comment on column mart.collection_run.partial is 'App-days with fewer points, all sound.';
comment on column mart.collection_run.rejected is 'App-days whose answer breaks the vendor''s contract.';
comment on column mart.collection_run.failed is 'App-days without a usable answer.';
comment on column mart.collection_run.lost is 'App-days out of the vendor''s window, never collected.';
comment on column mart.collection_run.pending is 'App-days not asked, because a task ended before.';
comment on column mart.collection_run.problems is 'What failed, in words; empty where nothing did.';
