-- Functions that delete old data. The loader has no right to delete rows but may call these functions. They keep
-- app-days that are not settled. A day is settled when it has left the vendor window and has points or is lost. Nothing
-- younger than 62 days is deleted, whatever date is given. Consumer: the DAG agora_bandwidth_retention.
-- search_path lists pg_temp last. If pg_temp were not listed, it would be searched first, and a type that the caller
-- creates there would run with the owner's rights.
-- noqa: disable=RF03
-- (No table could qualify a parameter.)
create or replace function core.delete_raw_responses(of_usage_date date)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with deleted as (
        delete from raw.bandwidth_response as response
        where
            response.usage_date = of_usage_date
            and of_usage_date < mart.clock()::date - 62
            and not exists (
                select from core.app_day_state as app_day
                where
                    app_day.usage_date = of_usage_date
                    and app_day.app_id = response.app_id
                    and (
                        app_day.state in ('pending', 'failed', 'rejected')
                        or app_day.expires_on >= app_day.today
                        -- A corrected decoder may be able to read a rejected response.
                        or (app_day.state = 'lost' and response.http_status between 200 and 299)
                    )
            )
            -- Rejected days that are not expected are never lost. A corrected decoder may be able to read them, too.
            and not exists (
                select from core.app_day as app_day
                inner join core.app as app on app_day.app_key = app.app_key
                where
                    app_day.usage_date = response.usage_date
                    and app.app_id = response.app_id
                    and app_day.state = 'rejected'
                    and response.http_status between 200 and 299
            )
        returning response.response_key
    )

    select count(*) from deleted;
end;

comment on function core.delete_raw_responses is
'Delete the raw responses for a usage date, except those for unsettled days and those that were never decoded. Return'
' the number of deleted responses.';
revoke all on function core.delete_raw_responses from public;
grant execute on function core.delete_raw_responses to loader;

create or replace function core.delete_app_days(before date)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with settled as (
        update core.app as app set kept_since = before
        where
            before <= mart.clock()::date - 62
            and (app.kept_since is null or app.kept_since < before)
            and not exists (
                select from core.app_day_state as app_day
                where
                    app_day.app_key = app.app_key
                    and app_day.usage_date < before
                    and (app_day.state in ('pending', 'failed', 'rejected') or app_day.expires_on >= app_day.today)
            )
        returning app.app_key
    ),

    deleted as (
        delete from core.app_day as app_day
        using settled
        where app_day.app_key = settled.app_key and app_day.usage_date < before
        returning app_day.app_key
    )

    select count(*) from deleted;
end;

comment on function core.delete_app_days is
'Delete the app-days before a date, except those of apps with an unsettled day before that date. Return the number of'
' deleted app-days.';
revoke all on function core.delete_app_days from public;
grant execute on function core.delete_app_days to loader;
