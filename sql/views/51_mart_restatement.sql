-- Grain: one replacement of an app-day's points by others. Key: app_id, usage_date, restated_at.
-- A point that was delivered later counts as added, one that is another number now (or absent) as changed.
-- Consumers: whoever has to explain why a figure is not what it was.
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
    restatement.old_sum_kbps,
    restatement.new_sum_kbps,
    coalesce(restatement.new_sum_kbps < restatement.old_sum_kbps / 2, false) as is_drop,
    restatement.reviewed_at,
    restatement.reviewed_by
from core.restatement as restatement
inner join core.app as app on restatement.app_key = app.app_key;

comment on view mart.restatement is 'Grain: one replacement of an app-day''s points by others.';
comment on column mart.restatement.app_id is 'The vendor''s App ID.';
comment on column mart.restatement.app_name is 'Name of the app for people.';
comment on column mart.restatement.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.restatement.restated_at is 'When the points were replaced here.';
comment on column mart.restatement.points_changed is
'How many points that were held are another number now, or absent.';
comment on column mart.restatement.points_added is 'How many points were absent before.';
comment on column mart.restatement.old_collected_at is
'When the answer was received that the old points were from.';
comment on column mart.restatement.new_collected_at is
'When the answer was received that the new points are from; null where none were left.';
comment on column mart.restatement.old_body_sha256 is 'Digest of the old answer''s body.';
comment on column mart.restatement.new_body_sha256 is
'Digest of the new answer''s body; the same where it was only read anew.';
comment on column mart.restatement.moved_by is
'By how much the day''s start moved, where its time zone was corrected; null for restatements of release 1.0.0.';
comment on column mart.restatement.old_sum_kbps is 'Sum of the old points, kbps; null with moved_by.';
comment on column mart.restatement.new_sum_kbps is 'Sum of the new points, kbps; null with moved_by.';
comment on column mart.restatement.is_drop is
'The day''s sum fell by more than half, as an outage at the vendor would make it.';
comment on column mart.restatement.reviewed_at is 'When a person marked it as reviewed; null before.';
comment on column mart.restatement.reviewed_by is 'User who marked it as reviewed.';
