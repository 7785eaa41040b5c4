-- Asserts of app-days collected in the last two days that the answer their points were read from is kept in
-- raw.bandwidth_response, and of answers received in the last two days that their digest is their body's.
-- If it fails: nothing is lost for people, but points cannot be proven or read again. Look for whoever deleted
-- from raw or wrote to core past the loader; ask the days again (agora_bandwidth_backfill, reload) while the
-- vendor still shows them.
with recent as (
    select
        app_day.state,
        app_day.body_sha256 in (
            select answer.body_sha256
            from raw.bandwidth_response as answer
            where
                answer.app_id = app.app_id
                and answer.usage_date = app_day.usage_date
                and answer.http_status = app_day.http_status
        ) as has_its_answer
    from core.app_day as app_day
    inner join core.app as app on app_day.app_key = app.app_key
    where app_day.collected_at >= now() - interval '2 days'
)

select
    coalesce(
        bool_and(recent.has_its_answer) filter (where recent.state = 'collected'), true
    ) as every_collected_day_has_its_raw_answer,
    coalesce(
        bool_and(recent.has_its_answer) filter (where recent.state = 'partial'), true
    ) as every_partial_day_has_its_raw_answer,
    coalesce(
        (
            select bool_and(answer.body_sha256 = sha256(answer.body))
            from raw.bandwidth_response as answer
            where answer.fetched_at >= now() - interval '2 days'
        ), true
    ) as every_raw_answer_has_the_digest_of_its_body
from recent;
