-- Facts that an upgrade must not lose: count and digest of the app-days of each state, all app-days and all responses.
-- Runs before and after the migrations, on the schema of any release. Until revision 0007, `lost` was stored, app-days
-- without a request had entries, and App IDs that differ only in case were several apps. The query reads those facts
-- as revision 0007 stores them. A sum of hashes does not depend on the order of rows.
with twin as (
    select
        app.app_key,
        lower(app.app_id) as app_id
    from core.app as app
    where exists (
        select from core.app as other
        where lower(other.app_id) = lower(app.app_id) and other.app_key <> app.app_key
    )
),

-- Of several spellings, the day with the most points counts, and of equal days that of the oldest app.
twin_day as (
    select
        app_day.app_key,
        app_day.usage_date,
        row_number() over (
            partition by twin.app_id, app_day.usage_date
            order by app_day.points desc, app_day.app_key asc
        ) as place
    from core.app_day as app_day
    inner join twin on app_day.app_key = twin.app_key
    where app_day.attempts > 0 or app_day.kbps is not null
)

select
    coalesce(fact.state || ' app-days', 'app-days') as label,
    count(*) as entries,
    sum(hash_record_extended(
        row(lower(app.app_id), app_day.usage_date, app_day.starts_at, app_day.points, app_day.kbps), 0
    )) as digest
from core.app_day as app_day
inner join core.app as app on app_day.app_key = app.app_key
cross join
    lateral (
        select case
            when app_day.state <> 'lost' then app_day.state
            when app_day.http_status between 200 and 299 then 'rejected'
            else 'failed'
        end as state
    ) as fact
where
    (app_day.attempts > 0 or app_day.kbps is not null)
    and not exists (
        select from twin_day
        where twin_day.app_key = app_day.app_key and twin_day.usage_date = app_day.usage_date and twin_day.place > 1
    )
group by grouping sets ((fact.state), ())
union all
select
    'responses' as label,
    count(*) as entries,
    sum(hash_record_extended(
        row(
            lower(response.app_id), response.usage_date, response.fetched_at, response.http_status,
            response.body_sha256
        ),
        0
    )) as digest
from raw.bandwidth_response as response
order by label;
