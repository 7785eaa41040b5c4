-- Grain: one row per vendor account. Key: conn_id. Each row has the account's window, the newest day that the vendor
-- refused, and the current request rate. Consumers: operators, the Health page.
create or replace view mart.vendor_account as
select
    account.conn_id,
    account.timezone,
    account.window_length,
    refused.usage_date as newest_refused,
    refused.reason as refusal,
    (pace.state #>> '{pace,per_second}')::double precision as requests_per_second,
    to_timestamp((pace.state #>> '{pace,heard_at}')::double precision) as paced_at,
    (
        select min(day.usage_date)::date
        from
            generate_series(today.midnight - account.window_length - interval '4 days', today.midnight, '1 day')
                as day (usage_date)
        where mart.expires_on(day.usage_date::date, account.window_length) >= today.midnight::date
    ) as window_begins_on
from core.vendor_account as account
cross join lateral (select date_trunc('day', mart.clock() at time zone account.timezone) as midnight) as today
-- Only available days count. A day that the vendor serves later is no longer refused.
left join lateral (
    select
        app_day.usage_date,
        app_day.reason
    from core.app_day as app_day
    where
        app_day.state <> 'collected'
        and app_day.http_status = 400
        and app_day.conn_id = account.conn_id
        and app_day.usage_date >= (today.midnight - account.window_length - interval '4 days')::date
    order by app_day.usage_date desc
    limit 1
) as refused on true
left join core.request_pace as pace on account.conn_id = pace.conn_id;

comment on view mart.vendor_account is 'Grain: one row per vendor account. Each account is an Airflow connection.';
comment on column mart.vendor_account.conn_id is 'Name of the Airflow connection.';
comment on column mart.vendor_account.timezone is 'IANA time zone of the account''s usage dates.';
comment on column mart.vendor_account.window_length is
'How long the vendor is expected to serve a usage date: 1 month or N days.';
comment on column mart.vendor_account.newest_refused is
'Newest usage date in the window that the vendor refused with 400 for an app; null if no date was refused.';
comment on column mart.vendor_account.refusal is 'The vendor''s message for the refused day.';
comment on column mart.vendor_account.requests_per_second is
'Last rate limit in requests per second, either as configured or lowered after 429 responses; null before the first'
' request.';
comment on column mart.vendor_account.paced_at is
'When the vendor last responded at that rate; null before the first request.';
comment on column mart.vendor_account.window_begins_on is
'Oldest usage date that the vendor is expected to serve today. The filter `usage_date >= window_begins_on` skips older'
' years.';
