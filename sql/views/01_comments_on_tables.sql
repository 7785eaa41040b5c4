-- Comments on schemas, tables and their columns. They replace the comments of the migrations, which are never edited.
comment on schema raw is 'The vendor''s responses as received, stored before they are decoded.';
comment on schema core is 'Facts and the ledger: collected app-days, missing app-days and their reasons.';
comment on schema mart is 'Views for analysts: points, daily figures, bills, coverage.';

comment on table raw.bandwidth_response is
'Grain: one received response to a bandwidth request. Committed before it is decoded.';
comment on column raw.bandwidth_response.app_id is 'Requested App ID.';
comment on column raw.bandwidth_response.usage_date is 'Requested usage date.';
comment on column raw.bandwidth_response.fetched_at is 'When the response was complete.';
comment on column raw.bandwidth_response.http_status is 'HTTP status of the response.';
comment on column raw.bandwidth_response.body is
'Received bytes without their content encoding. convert_from(body, ''UTF8'') returns the text.';
comment on column raw.bandwidth_response.fault is
'Why the body is incomplete (cut at the size cap, truncated, …); empty if it is complete.';

comment on column core.app.name is 'Display name; the App ID if no name is configured.';
comment on column core.app.wanted is
'Expected usage dates: from the oldest day that the vendor showed when the app was first seen, or from collect_from if'
' that is later. They end the day before the app leaves the configuration.';
comment on column core.app.kept_since is
'Retention deleted older days, which are no longer expected; null if retention deleted none.';
comment on column core.app.collect_from is 'First usage date to collect, as configured; null if not configured.';
comment on column core.app.collect_until is 'Last usage date to collect, as configured; null if not configured.';
comment on column core.app.first_seen_at is
'When the app was first configured, or configured again after it had left the configuration.';
comment on column core.app.removed_run is
'Airflow''s run ID of the run that found the app missing from the configuration; null while the app is configured.';
comment on column core.app.oldest_shown is
'Oldest usage date that the app''s account showed, by the calendar, in any run since the app was first seen or came'
' back. A move to an account in another time zone does not change it.';

comment on table core.app_day is
'Grain: one App ID and usage date. The row holds both the ledger entry and the points, so they cannot disagree.';
comment on column core.app_day.state is
'Outcome of the responses: collected (288 points), partial (fewer, all sound), rejected (the response breaks the'
' vendor''s contract) or failed (no usable response). mart.coverage computes whether a day is lost.';
comment on column core.app_day.points is 'Points delivered by the vendor.';
comment on column core.app_day.kbps is
'One element per five-minute slot, kbps; null where the vendor delivered no point.';
comment on column core.app_day.attempts is 'Recorded responses, plus requests without a response.';
comment on column core.app_day.http_status is 'HTTP status of the last recorded response; null without a response.';
comment on column core.app_day.reason is 'Why points are missing; empty for a complete day.';
comment on column core.app_day.collected_at is 'When the response that delivered the points was received.';
comment on column core.app_day.body_sha256 is 'SHA-256 of that response''s body, as in raw.bandwidth_response.';
comment on column core.app_day.conn_id is
'Account whose connection requested the day. starts_at is midnight in its time zone, even if the app has moved to'
' another account.';
comment on column core.app_day.verified_at is
'When the newest sound response for the day was received, even if it changed no point; null without points.';

comment on table core.restatement is 'Grain: one replacement or removal of an app-day''s points.';
comment on column core.restatement.restated_at is 'When the points were replaced in the warehouse.';
comment on column core.restatement.points_changed is 'Stored points that have another value now, or are absent.';
comment on column core.restatement.points_added is 'Points that were absent before.';
comment on column core.restatement.old_collected_at is 'When the response with the old points was received.';
comment on column core.restatement.new_collected_at is
'When the response with the new points was received; null if no points are left.';
comment on column core.restatement.old_body_sha256 is
'SHA-256 of the old response''s body, as in raw.bandwidth_response.';
comment on column core.restatement.new_body_sha256 is
'SHA-256 of the new response''s body; equal to the old one if a stored response was decoded again.';
comment on column core.restatement.old_starts_at is
'Start of the day before the change; null for restatements of release 1.0.0.';
comment on column core.restatement.new_starts_at is
'Start of the day after the change; differs from old_starts_at if the time zone was corrected.';
comment on column core.restatement.old_sum_kbps is
'Sum of the old points, kbps; null for restatements of release 1.0.0.';
comment on column core.restatement.new_sum_kbps is 'Sum of the new points, kbps; 0 if no points are left.';
comment on column core.restatement.reviewed_at is 'When a user marked the restatement as reviewed; null before.';
comment on column core.restatement.reviewed_by is 'User who marked the restatement as reviewed.';

comment on table core.request_pace is
'Grain: one vendor account. Its present rate limit, shared by all tasks.';
comment on column core.request_pace.state is 'Rate, time of the next permit, and limits derived from 429s.';

comment on table core.collection_run is
'Grain: one collecting run that ended. Clearing a run and running it again replaces its row.';
comment on column core.collection_run.dag_id is 'Name of the DAG.';
comment on column core.collection_run.run_id is 'Airflow''s run ID.';
comment on column core.collection_run.ended_at is 'When the run''s last task recorded this row.';
comment on column core.collection_run.points_received is
'Points in those responses, whether or not they changed a stored point.';
comment on column core.collection_run.requests is
'Requests of the collecting tasks, including retries; requests of a killed task are not counted.';
comment on column core.collection_run.retries is 'Requests repeated after a 429, a 5xx or no response.';
comment on column core.collection_run.limited is 'Requests that the vendor throttled with 429.';
comment on column core.collection_run.failed_apps is 'Apps with a failed or rejected day.';
comment on column core.collection_run.rejected is 'App-days whose response breaks the vendor''s contract.';
comment on column core.collection_run.failed is 'App-days without a usable response.';
comment on column core.collection_run.lost is 'App-days that were never collected and are no longer available.';
comment on column core.collection_run.pending is 'App-days not requested, because a task ended early.';
comment on column core.collection_run.problems is 'Description of the failures; empty without any.';

comment on table core.dag_schedule is
'Grain: one scheduled DAG. Its next run, as Airflow reported it when a run of the DAG or of agora_bandwidth_watch'
' started.';
comment on column core.dag_schedule.next_run_at is 'When Airflow creates the next run; null without a next run.';

comment on table core.push_stream_state is
'Grain: one App ID and one uninterrupted period in which the vendor reported the same state. The newest period is the'
' current one.';
comment on column core.push_stream_state.app_id is 'Requested App ID.';
comment on column core.push_stream_state.conn_id is 'Account of the last request.';
comment on column core.push_stream_state.enabled is 'Whether push-streaming is enabled for the app.';
comment on column core.push_stream_state.first_seen_at is
'When the period''s first response was received. The state changed between the response before and this one.';
comment on column core.push_stream_state.last_seen_at is 'When the period''s last response was received.';
comment on column core.push_stream_state.answers is
'Responses that reported the state. A response that arrived after a newer one is not counted.';

comment on table core.changed_app_day is
'Grain: one change of an app-day''s points since the last core.refresh_aggregates, recorded by triggers of'
' core.app_day.';
comment on column core.changed_app_day.usage_date is 'Usage date whose points were added, changed or removed.';
comment on column core.changed_app_day.starts_at is 'Start of the day, before or after the change.';
comment on function core.note_changed_points is
'Trigger: records in core.changed_app_day which app-days'' points a statement changed, in the same transaction.';

comment on table core.month_p95 is
'Grain: one App ID and calendar month. Its 95th percentile as of the last core.refresh_aggregates. Valid only while'
' core.changed_app_day lists none of its days.';
comment on column core.month_p95.last_day is
'Last usage date with points. The bills use the stored figure after that day.';
comment on table core.day_sum is
'Grain: one usage date and its start. The sum of all apps as of the last core.refresh_aggregates. Valid only while'
' core.changed_app_day lists none of its app-days.';
comment on column core.day_sum.starts_at is
'Instant at which slot 1 starts; differs between accounts in different time zones.';
comment on column core.day_sum.kbps is 'One sum per five-minute slot, kbps; null where no app has a point.';
comment on column core.day_sum.apps is 'Number of apps with a point, one element per five-minute slot.';
comment on table core.entered_days is
'Grain: one App ID. Usage dates with a ledger entry as of the last core.refresh_aggregates. The list may lack dates.'
' Only dates in core.changed_app_day can have lost their entry since.';
comment on column core.entered_days.usage_dates is 'Usage dates with a row in core.app_day.';
