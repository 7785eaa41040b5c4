-- Comments on schemas, tables and their columns. They replace the comments in the migrations, which are never edited.
comment on schema raw is 'The vendor''s responses, stored as received before they are decoded.';
comment on schema core is 'Facts and the ledger: which app-days were collected, and why others are missing.';
comment on schema mart is 'Views for analysts: points, daily figures, bills and coverage.';

comment on table raw.bandwidth_response is
'Grain: one row per response to a bandwidth request. Each response is committed before it is decoded.';
comment on column raw.bandwidth_response.app_id is 'Requested App ID.';
comment on column raw.bandwidth_response.usage_date is 'Requested usage date.';
comment on column raw.bandwidth_response.fetched_at is 'When the response was complete.';
comment on column raw.bandwidth_response.http_status is 'HTTP status of the response.';
comment on column raw.bandwidth_response.body is
'Response body without its content encoding. convert_from(body, ''UTF8'') returns the text.';
comment on column raw.bandwidth_response.fault is
'Why the body is incomplete (cut off at the size limit, truncated, …); empty if the body is complete.';

comment on table core.app is 'Grain: one row per App ID that was ever configured.';
comment on column core.app.name is 'Display name; the App ID if no name is configured.';
comment on column core.app.wanted is
'Expected usage dates. They begin with the oldest day that the vendor served when the app was first seen, or with'
' collect_from if that date is later. They end on the day before the app leaves the configuration.';
comment on column core.app.kept_since is
'First usage date that retention has not deleted. Older days are no longer expected. Null if retention deleted none.';
comment on column core.app.collect_from is 'First usage date to collect, as configured; null if not configured.';
comment on column core.app.collect_until is 'Last usage date to collect, as configured; null if not configured.';
comment on column core.app.first_seen_at is
'When the app was first configured, or configured again after it had left the configuration.';
comment on column core.app.removed_run is
'Airflow run ID of the run that found the app missing from the configuration; null while the app is configured.';
comment on column core.app.oldest_shown is
'Oldest usage date that the vendor served for the app''s account, according to the calendar, in any run since the app'
' was first seen or returned to the configuration. Moving the app to an account in another time zone does not change'
' this date.';

comment on table core.vendor_account is
'Grain: one row per vendor account. Each account is an Airflow connection.';
comment on column core.vendor_account.timezone is
'IANA time zone of the account''s usage dates; a zone without clock changes.';
comment on column core.vendor_account.window_length is
'How long the vendor is expected to serve a usage date: 1 month or N days.';

comment on table core.app_day is
'Grain: one row per App ID and usage date. A row contains both the ledger entry and the points, so they cannot'
' disagree.';
comment on column core.app_day.state is
'Outcome of the requests: collected (288 points), partial (fewer points, all sound), rejected (the response breaks the'
' vendor''s contract) or failed (no usable response). mart.coverage computes whether a day is lost.';
comment on column core.app_day.points is 'Number of points delivered by the vendor.';
comment on column core.app_day.kbps is
'Rates in kbps, one element per five-minute slot; null where the vendor delivered no point. Computed from kbps_int4 or'
' kbps_float8 when it is read.';
comment on column core.app_day.kbps_int4 is
'Stored rates of a day whose points are all whole numbers of four bytes; otherwise null.';
comment on column core.app_day.kbps_float8 is
'Stored rates of a day with a fraction, or with a rate that does not fit into four bytes; otherwise null.';
comment on column core.app_day.top_kbps is
'The day''s fifteen largest points in descending order, kbps: [1] is the peak, [5] the fifth peak,'
' [5 * points / 100 + 1] the 95th percentile. Computed by the loader.';
comment on column core.app_day.sum_kbps is
'Sum of the day''s points, kbps; null if there are none. Computed by the loader.';
comment on column core.app_day.attempts is 'Number of recorded responses and of requests without a response.';
comment on column core.app_day.http_status is
'HTTP status of the last recorded response; null if there was no response.';
comment on column core.app_day.reason is 'Why points are missing; empty for a complete day.';
comment on column core.app_day.collected_at is 'When the response that delivered the points was received.';
comment on column core.app_day.body_sha256 is
'SHA-256 of the body of the response that delivered the points, as in raw.bandwidth_response.';
comment on column core.app_day.conn_id is
'Account whose connection requested the day. starts_at is midnight in this account''s time zone, even if the app has'
' moved to another account.';
comment on column core.app_day.verified_at is
'When the newest sound response for the day was received, even if it changed no point; null if the day has no points.';

comment on table core.restatement is 'Grain: one row per replacement or removal of an app-day''s points.';
comment on column core.restatement.restated_at is 'When the points were replaced in the warehouse.';
comment on column core.restatement.points_changed is
'Number of stored points whose value changed or that are now absent.';
comment on column core.restatement.points_added is 'Number of points that were absent before.';
comment on column core.restatement.old_collected_at is 'When the response with the old points was received.';
comment on column core.restatement.new_collected_at is
'When the response with the new points was received; null if no points are left.';
comment on column core.restatement.old_body_sha256 is
'SHA-256 of the old response''s body, as in raw.bandwidth_response.';
comment on column core.restatement.new_body_sha256 is
'SHA-256 of the new response''s body; equal to old_body_sha256 if a stored response was decoded again.';
comment on column core.restatement.old_starts_at is
'Start of the day before the change; null for restatements recorded by release 1.0.0.';
comment on column core.restatement.new_starts_at is
'Start of the day after the change; differs from old_starts_at if the time zone was corrected.';
comment on column core.restatement.old_sum_kbps is
'Sum of the old points, kbps; null for restatements recorded by release 1.0.0.';
comment on column core.restatement.new_sum_kbps is 'Sum of the new points, kbps; 0 if no points are left.';
comment on column core.restatement.reviewed_at is 'When a user marked the restatement as reviewed; null until then.';
comment on column core.restatement.reviewed_by is 'User who marked the restatement as reviewed.';

comment on table core.request_pace is
'Grain: one row per vendor account, with the account''s current rate limit, which all tasks share.';
comment on column core.request_pace.state is 'Rate, time of the next permit, and limits derived from 429 responses.';

comment on table core.collection_run is
'Grain: one row per finished collection run. Clearing a run and running it again replaces its row.';
comment on column core.collection_run.dag_id is 'Name of the DAG.';
comment on column core.collection_run.run_id is 'Airflow run ID.';
comment on column core.collection_run.ended_at is 'When the run''s last task recorded this row.';
comment on column core.collection_run.points_received is
'Number of points in the sound responses, whether or not they changed a stored point.';
comment on column core.collection_run.requests is
'Requests made by the collecting tasks, including retries. Requests made by a killed task are not counted.';
comment on column core.collection_run.retries is 'Requests repeated after a 429 or 5xx response or after no response.';
comment on column core.collection_run.limited is 'Requests that the vendor throttled with 429.';
comment on column core.collection_run.failed_apps is 'Apps with a failed or rejected day.';
comment on column core.collection_run.rejected is 'App-days whose response breaks the vendor''s contract.';
comment on column core.collection_run.failed is 'App-days without a usable response.';
comment on column core.collection_run.lost is 'App-days that were never collected and are no longer available.';
comment on column core.collection_run.pending is 'App-days not requested, because a task ended early.';
comment on column core.collection_run.problems is 'Description of the failures; empty if there were none.';

comment on table core.dag_schedule is
'Grain: one row per scheduled DAG, with its next run, as Airflow reported it at the start of a run of the DAG or of'
' agora_bandwidth_watch.';
comment on column core.dag_schedule.next_run_at is 'When Airflow creates the next run; null if there is none.';

comment on column core.dag_schedule.recorded_at is
'When this row was recorded, according to the warehouse''s clock.';

comment on table core.push_stream_state is
'Grain: one row per App ID and uninterrupted period in which the vendor reported the same state. The newest period of'
' an app is the current period.';
comment on column core.push_stream_state.app_id is 'Requested App ID.';
comment on column core.push_stream_state.conn_id is 'Account that made the last request.';
comment on column core.push_stream_state.enabled is 'Whether push-streaming is enabled for the app.';
comment on column core.push_stream_state.first_seen_at is
'When the period''s first response was received. The state changed between the previous response and this response.';
comment on column core.push_stream_state.last_seen_at is 'When the period''s last response was received.';
comment on column core.push_stream_state.answers is
'Number of responses that reported the state. A response that arrived after a newer response is not counted.';

comment on table core.changed_app_day is
'Grain: one row per change to an app-day''s points since the last call of core.refresh_aggregates. Triggers on'
' core.app_day record the changes.';
comment on column core.changed_app_day.usage_date is 'Usage date whose points were added, changed or removed.';
comment on column core.changed_app_day.starts_at is 'Start of the day, before or after the change.';
comment on function core.note_changed_points is
'Trigger function. In the same transaction, it adds each app-day whose points a statement changed to'
' core.changed_app_day.';

comment on table core.month_p95 is
'Grain: one row per App ID and calendar month, with the 95th percentile as of the last call of'
' core.refresh_aggregates. A row is valid only while core.changed_app_day lists none of the month''s days.';
comment on column core.month_p95.last_day is
'Last usage date with points. The bills use the stored percentile only after that day.';
comment on table core.day_sum is
'Grain: one row per usage date and start of the day, with the sum of all apps as of the last call of'
' core.refresh_aggregates. A row is valid only while core.changed_app_day lists none of its app-days.';
comment on column core.day_sum.starts_at is
'Instant at which slot 1 starts; differs between accounts in different time zones.';
comment on column core.day_sum.kbps is 'Sums in kbps, one element per five-minute slot; null where no app has a point.';
comment on column core.day_sum.apps is 'Number of apps with a point, one element per five-minute slot.';
comment on table core.entered_days is
'Grain: one row per App ID, with the usage dates that had a ledger entry at the last call of core.refresh_aggregates.'
' Some dates may be missing. Only dates in core.changed_app_day can have lost their ledger entry since then.';
comment on column core.entered_days.usage_dates is 'Usage dates with a row in core.app_day.';
