-- The vendor's reports on whether push-streaming is enabled for each app, with their history.

-- The state of an app may be requested before a run has recorded the app or its account, so there is no foreign key.
-- The newest row of an app is the current one. A flag for the current row could contradict the dates.
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
