-- Grain: one App ID with a day in mart.coverage. Key: app_id. Its first and last day there: expected, or with points.
-- Consumers: people, the page's list of apps.
create or replace view mart.app as
select
    known.app_id,
    known.app_name,
    known.conn_id,
    known.timezone,
    -- Of the ledger only its two ends are looked up.
    least(lower(known.wanted), entered.first_date) as first_date,
    greatest(upper(known.wanted) - 1, entered.last_date) as last_date
from core.known_app as known
cross join
    lateral (
        select
            (
                select min(app_day.usage_date) from core.app_day as app_day
                where app_day.app_key = known.app_key and app_day.points > 0
            ) as first_date,
            (
                select max(app_day.usage_date) from core.app_day as app_day
                where
                    app_day.app_key = known.app_key
                    and app_day.points > 0
                    and app_day.usage_date < known.today
            ) as last_date
    ) as entered
where not isempty(known.wanted) or entered.first_date < known.today;

comment on view mart.app is 'Grain: one App ID with a day in mart.coverage.';
comment on column mart.app.app_id is 'The vendor''s App ID.';
comment on column mart.app.app_name is 'Name of the app for people.';
comment on column mart.app.conn_id is 'Account that owns the app.';
comment on column mart.app.timezone is 'IANA zone of the account''s usage dates.';
comment on column mart.app.first_date is 'First usage date that is expected or has points.';
comment on column mart.app.last_date is 'Last one, yesterday at most.';
