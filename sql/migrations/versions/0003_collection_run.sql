-- The results of each collection run, which Airflow shows in the run's note only.

create table core.collection_run (
    dag_id text not null,
    run_id text not null,
    started_at timestamptz not null,
    ended_at timestamptz not null default now(),
    app_days integer not null,
    app_days_changed integer not null,
    points bigint not null,
    requests integer not null,
    retries integer not null,
    limited integer not null,
    failed_apps integer not null,
    collected integer not null,
    partial integer not null,
    rejected integer not null,
    failed integer not null,
    lost integer not null,
    pending integer not null,
    primary key (dag_id, run_id),
    constraint every_app_day_has_a_state check (
        app_days = collected + partial + rejected + failed + lost + pending
    )
);
create index collection_run_ended_at on core.collection_run (ended_at);

comment on table core.collection_run is
'Grain: one collecting run that ended. A run that is cleared and runs again says what it did last.';
comment on column core.collection_run.dag_id is 'The DAG.';
comment on column core.collection_run.run_id is 'Airflow''s name of the run.';
comment on column core.collection_run.started_at is 'When the run began.';
comment on column core.collection_run.ended_at is 'When its last step wrote this.';
comment on column core.collection_run.app_days is 'App-days asked for.';
comment on column core.collection_run.app_days_changed is 'How many of them got points since the run began.';
comment on column core.collection_run.points is 'How many points those have.';
comment on column core.collection_run.requests is
'Requests of the collecting tasks, retries included; those of a task that was killed are not known.';
comment on column core.collection_run.retries is
'How many of them asked once more after a 429, a 5xx or no answer.';
comment on column core.collection_run.limited is 'How many of them were answered 429.';
comment on column core.collection_run.failed_apps is 'Apps of which a day failed or was rejected.';
comment on column core.collection_run.collected is 'App-days with 288 points when the run ended.';
comment on column core.collection_run.partial is 'App-days with fewer points, all sound.';
comment on column core.collection_run.rejected is 'App-days whose answer breaks the vendor''s contract.';
comment on column core.collection_run.failed is 'App-days without a usable answer.';
comment on column core.collection_run.lost is 'App-days out of the vendor''s window, never collected.';
comment on column core.collection_run.pending is 'App-days not asked, because a task ended before.';

grant select, insert, update on core.collection_run to loader;
