-- Checks that slot 1 of every app-day with points, however old, starts at midnight of the usage date in the time zone
-- of the account that collected the day. Checks four conditions for app-days collected in the last two days: the day
-- had begun, the day had ended if all its points are stored, the day was not collected more than five minutes in the
-- future, and the day was not verified before it was collected.
-- If it fails: the connection's `timezone` was changed after days were collected. If the new time zone is correct, move
-- the days with agora_bandwidth_replay and correct_zone. Otherwise, correct the connection. An app that moves to
-- another account keeps the days that its former account collected.
-- The index of the primary key includes all columns that the first check uses, so no points are read.
select
    zoned.every_day_starts_at_its_accounts_midnight,
    recent.no_day_is_collected_before_it_begins,
    recent.no_day_is_complete_before_it_is_over,
    recent.no_day_was_collected_in_the_future,
    recent.no_day_is_verified_before_it_is_collected
from (
    select
        coalesce(
            bool_and(app_day.starts_at = app_day.usage_date::timestamp at time zone account.timezone), true
        ) as every_day_starts_at_its_accounts_midnight
    from core.app_day as app_day
    inner join core.vendor_account as account on app_day.conn_id = account.conn_id
    where app_day.state in ('collected', 'partial')
) as zoned
cross join (
    select
        coalesce(bool_and(app_day.starts_at <= app_day.collected_at), true) as no_day_is_collected_before_it_begins,
        coalesce(
            bool_and(app_day.starts_at + interval '24 hours' <= app_day.collected_at)
            filter (where app_day.state = 'collected'), true
        ) as no_day_is_complete_before_it_is_over,
        coalesce(
            bool_and(app_day.collected_at <= mart.clock() + interval '5 minutes'), true
        ) as no_day_was_collected_in_the_future,
        coalesce(
            bool_and(app_day.collected_at <= app_day.verified_at)
            filter (where app_day.state in ('collected', 'partial')), true
        ) as no_day_is_verified_before_it_is_collected
    from core.app_day as app_day
    where app_day.collected_at >= mart.clock() - interval '2 days'
) as recent;
