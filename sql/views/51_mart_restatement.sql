-- Grain: one row per replacement of an app-day's points. Key: app_id, usage_date, restated_at. Unit: kbps, with three
-- decimal places.
-- A point that was absent before counts as added. A point whose value changed or that is now absent counts as changed.
-- Consumers: analysts who need to explain why a figure changed.
create or replace view mart.restatement as
select
    app.app_id,
    app.name as app_name,
    restatement.usage_date,
    restatement.restated_at,
    restatement.points_changed,
    restatement.points_added,
    restatement.old_collected_at,
    restatement.new_collected_at,
    encode(restatement.old_body_sha256, 'hex') as old_body_sha256,
    encode(restatement.new_body_sha256, 'hex') as new_body_sha256,
    restatement.new_starts_at - restatement.old_starts_at as moved_by,
    round(restatement.old_sum_kbps::numeric, 3) as old_sum_kbps,
    round(restatement.new_sum_kbps::numeric, 3) as new_sum_kbps,
    coalesce(restatement.new_sum_kbps < restatement.old_sum_kbps / 2, false) as is_drop,
    restatement.reviewed_at,
    restatement.reviewed_by
from core.restatement as restatement
inner join core.app as app on restatement.app_key = app.app_key;

comment on view mart.restatement is 'Grain: one row per replacement of an app-day''s points.';
comment on column mart.restatement.app_id is 'The vendor''s App ID.';
comment on column mart.restatement.app_name is 'Display name of the app.';
comment on column mart.restatement.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.restatement.restated_at is 'When the points were replaced in the warehouse.';
comment on column mart.restatement.points_changed is
'Number of stored points whose value changed or that are now absent.';
comment on column mart.restatement.points_added is 'Number of points that were absent before.';
comment on column mart.restatement.old_collected_at is
'When the response with the old points was received.';
comment on column mart.restatement.new_collected_at is
'When the response with the new points was received; null if no points are left.';
comment on column mart.restatement.old_body_sha256 is 'SHA-256 of the old response''s body.';
comment on column mart.restatement.new_body_sha256 is
'SHA-256 of the new response''s body; equal to old_body_sha256 if a stored response was decoded again.';
comment on column mart.restatement.moved_by is
'How far a corrected time zone moved the day''s start; null for restatements recorded by release 1.0.0.';
comment on column mart.restatement.old_sum_kbps is
'Sum of the old points, kbps; null for restatements recorded by release 1.0.0.';
comment on column mart.restatement.new_sum_kbps is
'Sum of the new points, kbps; null for restatements recorded by release 1.0.0.';
comment on column mart.restatement.is_drop is
'Whether the day''s sum fell by more than half, for example because of an outage at the vendor.';
comment on column mart.restatement.reviewed_at is 'When a user marked the restatement as reviewed; null until then.';
comment on column mart.restatement.reviewed_by is 'User who marked the restatement as reviewed.';
