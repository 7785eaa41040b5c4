-- Grain: one App ID and one uninterrupted stretch in which the vendor gave the same answer. Key: app_id,
-- first_seen_at. Whether push-streaming is enabled for the app, and was. Consumers: operators, whoever asks since
-- when an app could be pushed.
create or replace view mart.push_stream_state as
select
    state.app_id,
    coalesce(app.name, state.app_id) as app_name,
    state.conn_id,
    state.enabled,
    state.first_seen_at,
    state.last_seen_at,
    state.answers,
    state.first_seen_at = max(state.first_seen_at) over (partition by state.app_id) as is_current
from core.push_stream_state as state
left join core.app as app on state.app_id = app.app_id;

comment on view mart.push_stream_state is
'Grain: one App ID and one uninterrupted stretch in which the vendor gave the same answer.';
comment on column mart.push_stream_state.app_id is 'The vendor''s App ID.';
comment on column mart.push_stream_state.app_name is 'Name of the app for people; the App ID where none is known.';
comment on column mart.push_stream_state.conn_id is 'Account that asked last.';
comment on column mart.push_stream_state.enabled is 'The answer: whether push-streaming is enabled for the app.';
comment on column mart.push_stream_state.first_seen_at is
'When the stretch''s first answer was received; the change itself lies between the answer before and this.';
comment on column mart.push_stream_state.last_seen_at is 'When its last answer was received.';
comment on column mart.push_stream_state.answers is
'How many answers said so; one that arrived after a newer one is not among them.';
comment on column mart.push_stream_state.is_current is 'Whether it is the app''s newest stretch.';
