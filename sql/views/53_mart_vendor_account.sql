-- Grain: one vendor account. Key: conn_id. How long the vendor shows a day, as configured and as learned, and
-- how fast it may be asked at present. Consumers: operators.
create or replace view mart.vendor_account as
select
    account.conn_id,
    account.timezone,
    account.window_length,
    account.learned_on,
    account.oldest_served,
    account.newest_refused,
    account.refusal,
    (pace.state #>> '{pace,per_second}')::double precision as requests_per_second,
    to_timestamp((pace.state #>> '{pace,heard_at}')::double precision) as paced_at
from core.vendor_account as account
left join core.request_pace as pace on account.conn_id = pace.conn_id;

comment on view mart.vendor_account is 'Grain: one vendor account, as an Airflow connection.';
comment on column mart.vendor_account.conn_id is 'Name of the Airflow connection.';
comment on column mart.vendor_account.timezone is 'IANA zone of the account''s usage dates.';
comment on column mart.vendor_account.window_length is
'How long the vendor is expected to show a day: 1 month or N days.';
comment on column mart.vendor_account.learned_on is
'Vendor''s date on which the window''s edge was learned from its answers; null before.';
comment on column mart.vendor_account.oldest_served is 'Oldest usage date the vendor answered on that date.';
comment on column mart.vendor_account.newest_refused is
'Day before it, refused with 400 for the same app on that date.';
comment on column mart.vendor_account.refusal is 'The vendor''s words when it refused.';
comment on column mart.vendor_account.requests_per_second is
'Rate at which the account was asked last: as configured, or what its 429s taught; null before the first request.';
comment on column mart.vendor_account.paced_at is 'When the vendor last answered at that rate; null with it.';
