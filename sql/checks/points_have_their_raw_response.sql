-- Checks that raw.bandwidth_response contains the responses that delivered the points of the app-days collected in the
-- last two days. Checks that each response received in the last two days has the digest of its body.
-- If it fails: no figure is lost, but points cannot be proven or decoded again. Find out who deleted rows from raw or
-- wrote to core without the loader. Request the days again (agora_bandwidth_backfill with reload) while the vendor
-- still serves them.
with recent as (
    select
        app_day.state,
        app_day.body_sha256 in (
            select response.body_sha256
            from raw.bandwidth_response as response
            where
                response.app_id = app.app_id
                and response.usage_date = app_day.usage_date
                and response.http_status = app_day.http_status
        ) as has_its_response
    from core.app_day as app_day
    inner join core.app as app on app_day.app_key = app.app_key
    where app_day.collected_at >= now() - interval '2 days'
)

select
    coalesce(
        bool_and(recent.has_its_response) filter (where recent.state = 'collected'), true
    ) as every_collected_day_has_its_raw_response,
    coalesce(
        bool_and(recent.has_its_response) filter (where recent.state = 'partial'), true
    ) as every_partial_day_has_its_raw_response,
    coalesce(
        (
            select bool_and(response.body_sha256 = sha256(response.body))
            from raw.bandwidth_response as response
            where response.fetched_at >= now() - interval '2 days'
        ), true
    ) as every_raw_response_has_the_digest_of_its_body
from recent;
