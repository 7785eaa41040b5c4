-- Asserts of app-days collected in the last two days that slot 1 starts at the usage date's midnight in the
-- account's time zone, that the day had begun, was over where all of its points are there, and was not collected
-- in the future (five minutes' difference between two clocks aside).
-- If it fails: the connection's `timezone` is not the one the vendor counts in, or was changed after the days
-- were collected. Correct it, then have the days read again (agora_bandwidth_replay).
select
    coalesce(
        bool_and(app_day.starts_at = app_day.usage_date::timestamp at time zone account.timezone), true
    ) as every_day_starts_at_its_accounts_midnight,
    coalesce(bool_and(app_day.starts_at <= app_day.collected_at), true) as no_day_is_collected_before_it_begins,
    coalesce(
        bool_and(app_day.starts_at + interval '24 hours' <= app_day.collected_at)
        filter (where app_day.state = 'collected'), true
    ) as no_day_is_complete_before_it_is_over,
    coalesce(bool_and(app_day.collected_at <= now() + interval '5 minutes'), true)
        as no_day_was_collected_in_the_future
from core.app_day as app_day
inner join core.app as app on app_day.app_key = app.app_key
inner join core.vendor_account as account on app.conn_id = account.conn_id
where app_day.collected_at >= now() - interval '2 days';
