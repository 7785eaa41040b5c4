-- Grain: one row per App ID and uninterrupted period in which the vendor reported the same push-streaming state.
-- Key: app_id, first_seen_at. Consumers: operators.
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
'Grain: one row per App ID and uninterrupted period in which the vendor reported the same state.';
comment on column mart.push_stream_state.app_id is 'The vendor''s App ID.';
comment on column mart.push_stream_state.app_name is 'Display name of the app; the App ID if the app has no name.';
comment on column mart.push_stream_state.conn_id is 'Account that made the last request.';
comment on column mart.push_stream_state.enabled is 'Whether push-streaming is enabled for the app.';
comment on column mart.push_stream_state.first_seen_at is
'When the period''s first response was received. The state changed between the previous response and this response.';
comment on column mart.push_stream_state.last_seen_at is 'When the period''s last response was received.';
comment on column mart.push_stream_state.answers is
'Number of responses that reported the state. A response that arrived after a newer response is not counted.';
comment on column mart.push_stream_state.is_current is 'Whether this is the app''s newest period.';
