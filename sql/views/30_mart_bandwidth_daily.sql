-- Grain: one row per expected app-day. Key: app_id, usage_date. Units: kbps (three decimal places), bytes. Figures
-- cover the observed points and are null if points is 0. Consumers: analysts.
create or replace view mart.bandwidth_daily as
select
    app_day.app_id,
    app_day.app_name,
    app_day.usage_date,
    app_day.points,
    288 as expected_points,
    round((app_day.sum_kbps / nullif(app_day.points, 0))::numeric, 3) as mean_kbps,
    round(app_day.top_kbps[1]::numeric, 3) as peak_kbps,
    round(app_day.top_kbps[5 * app_day.points / 100 + 1]::numeric, 3) as p95_kbps,
    round(app_day.top_kbps[5]::numeric, 3) as fifth_peak_kbps,
    -- kbps × 1,000 bits ÷ 8 × 300 s, assuming that a point is the average over its five minutes. Whole kbps are
    -- multiplied as numeric, which is exact and has no upper limit.
    trunc(app_day.sum_kbps)::numeric * 37500
    + round(((app_day.sum_kbps - trunc(app_day.sum_kbps)) * 37500)::numeric) as volume_bytes
from core.app_day_state as app_day;

comment on view mart.bandwidth_daily is 'Grain: one row per expected app-day, with its daily figures.';
comment on column mart.bandwidth_daily.app_id is 'The vendor''s App ID.';
comment on column mart.bandwidth_daily.app_name is 'Display name of the app.';
comment on column mart.bandwidth_daily.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.bandwidth_daily.points is 'Number of observed points.';
comment on column mart.bandwidth_daily.expected_points is 'Number of points in a complete day.';
comment on column mart.bandwidth_daily.mean_kbps is 'Mean of the observed points, kbps.';
comment on column mart.bandwidth_daily.peak_kbps is 'Largest point, kbps.';
comment on column mart.bandwidth_daily.p95_kbps is
'95th percentile, kbps: the largest of N points after the floor(5 N / 100) highest points are dropped.';
comment on column mart.bandwidth_daily.fifth_peak_kbps is
'Fifth-largest point, kbps; null if there are fewer than five points.';
comment on column mart.bandwidth_daily.volume_bytes is
'Traffic in the observed points, in whole bytes, assuming that a point is an average.';
