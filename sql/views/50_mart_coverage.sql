-- Grain: one row per expected app-day. Key: app_id, usage_date. Each row shows whether the day is collected, why points
-- are missing, and how long they are available. Consumers: operators, alerts, the demo.
create or replace view mart.coverage as
select
    app_day.app_id,
    app_day.app_name,
    app_day.usage_date,
    app_day.state,
    app_day.points,
    app_day.attempts,
    app_day.reason,
    app_day.expires_on,
    app_day.expires_on - app_day.today as days_left,
    app_day.conn_id,
    case when app_day.top_kbps[1] > 0 then (
        select string_agg(other.app_id, ', ' order by other.app_id)
        from core.app_day as same
        inner join core.app as other on same.app_key = other.app_key
        where
            same.usage_date = app_day.usage_date
            and same.body_sha256 = app_day.body_sha256
            and same.top_kbps[1] > 0
            and same.app_key <> app_day.app_key
    ) end as same_response_as,
    app_day.is_complete,
    app_day.today < app_day.lost_on as is_available
from core.app_day_state as app_day;

comment on view mart.coverage is 'Grain: one row per expected app-day, with its state.';
comment on column mart.coverage.app_id is 'The vendor''s App ID.';
comment on column mart.coverage.app_name is 'Display name of the app.';
comment on column mart.coverage.usage_date is 'Usage date in the account''s time zone.';
comment on column mart.coverage.state is
'pending, collected (288 points), partial (fewer points, all sound), rejected, failed or lost (no longer available).';
comment on column mart.coverage.points is 'Number of points delivered by the vendor, out of 288.';
comment on column mart.coverage.attempts is 'Number of recorded responses and of requests without a response.';
comment on column mart.coverage.reason is 'Why points are missing; empty for a complete day.';
comment on column mart.coverage.expires_on is 'Last day on which the vendor is expected to serve the usage date.';
comment on column mart.coverage.days_left is 'Number of days from today to expires_on; negative after expires_on.';
comment on column mart.coverage.conn_id is 'Account that owns the app.';
comment on column mart.coverage.same_response_as is
'Other App IDs that received the same response body for the day, a sign of a mix-up at the vendor; null if there are'
' none.';
comment on column mart.coverage.is_complete is
'Whether all 288 points are stored. The filter `not is_complete` reads only incomplete app-days, however long the'
' history.';
comment on column mart.coverage.is_available is
'Whether the vendor may still serve the day, because at most two days have passed since expires_on. Incomplete days'
' are requested until then.';
