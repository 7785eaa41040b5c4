-- Asserts that slot 1 of every app-day starts at the usage date's midnight in the account's time zone, and of
-- those collected in the last two days that the day had begun, was over where all of its points are there, and
-- was not collected in the future (five minutes' difference between two clocks aside).
-- If it fails: the connection's `timezone` is not the one the vendor counts in, or was changed after the days
-- were collected. Correct it, then load the days again (agora_bandwidth_backfill with reload).
select
    coalesce(
        bool_and(app_day.starts_at = app_day.usage_date::timestamp at time zone account.timezone), true
    ) as every_day_starts_at_its_accounts_midnight,
    coalesce(
        bool_and(app_day.starts_at <= app_day.collected_at) filter (where recent.is_so), true
    ) as no_day_is_collected_before_it_begins,
    coalesce(
        bool_and(app_day.starts_at + interval '24 hours' <= app_day.collected_at)
        filter (where recent.is_so and app_day.state = 'collected'), true
    ) as no_day_is_complete_before_it_is_over,
    coalesce(
        bool_and(app_day.collected_at <= now() + interval '5 minutes') filter (where recent.is_so), true
    ) as no_day_was_collected_in_the_future
from core.app_day as app_day
inner join core.app as app on app_day.app_key = app.app_key
inner join core.vendor_account as account on app.conn_id = account.conn_id
cross join lateral (select app_day.collected_at >= now() - interval '2 days' as is_so) as recent;
