-- Whether push-streaming is enabled for each app, as the vendor answered, with its history.

-- An app may be asked about before a run has entered it or its account, so this stands on neither. Its newest stretch
-- is the current one: there is no mark beside it that could disagree.
create table core.push_stream_state (
    app_id text not null,
    conn_id text not null,
    enabled boolean not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    answers integer not null,
    primary key (app_id, first_seen_at),
    constraint stretch_does_not_end_before_it_begins check (first_seen_at <= last_seen_at),
    constraint answers_are_counted check (answers >= 1)
);

comment on table core.push_stream_state is
'Grain: one App ID and one uninterrupted stretch in which the vendor gave the same answer. The newest is the current'
' one.';
comment on column core.push_stream_state.app_id is 'App ID that was asked about.';
comment on column core.push_stream_state.conn_id is 'Account that asked last.';
comment on column core.push_stream_state.enabled is 'The answer: whether push-streaming is enabled for the app.';
comment on column core.push_stream_state.first_seen_at is
'When the stretch''s first answer was received; the change itself lies between the answer before and this.';
comment on column core.push_stream_state.last_seen_at is 'When its last answer was received.';
comment on column core.push_stream_state.answers is
'How many answers said so; one that arrived after a newer one is not among them.';

grant select, insert, update on core.push_stream_state to loader;
