-- What retention may drop. The loader may not delete, but it may call these functions. They keep what is not final:
-- a day is final when the vendor no longer shows it and it has points or is lost. Nothing younger than 62 days is
-- dropped, whatever date is given. Consumer: the DAG agora_bandwidth_retention.
-- pg_temp is named, and last: unnamed it comes first, and a type that the caller made there would run as the owner.
-- noqa: disable=RF03
-- (A parameter has no table to be qualified with.)
create or replace function core.forget_raw_answers(of_usage_date date)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with forgotten as (
        delete from raw.bandwidth_response as answer
        where
            answer.usage_date = of_usage_date
            and of_usage_date < mart.clock()::date - 62
            and not exists (
                select from core.wanted_app_day as wanted
                where
                    wanted.usage_date = of_usage_date
                    and wanted.app_id = answer.app_id
                    and (
                        wanted.state in ('pending', 'failed', 'rejected')
                        or wanted.expires_on >= wanted.today
                        -- A better decoder may yet read what this one refused.
                        or (wanted.state = 'lost' and answer.http_status between 200 and 299)
                    )
            )
            -- Days that are not expected are not lost, but their responses may be read later, too.
            and not exists (
                select from core.app_day as app_day
                inner join core.app as app on app_day.app_key = app.app_key
                where
                    app_day.usage_date = answer.usage_date
                    and app.app_id = answer.app_id
                    and app_day.state = 'rejected'
                    and answer.http_status between 200 and 299
            )
        returning answer.response_key
    )

    select count(*) from forgotten;
end;

comment on function core.forget_raw_answers is
'Drops the raw answers of a usage date, but for days that are not final or were never read.';
revoke all on function core.forget_raw_answers from public;
grant execute on function core.forget_raw_answers to loader;

create or replace function core.forget_app_days(before date)
returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with kept as (
        update core.app as app set kept_since = before
        where
            before <= mart.clock()::date - 62
            and (app.kept_since is null or app.kept_since < before)
            and not exists (
                select from core.wanted_app_day as wanted
                where
                    wanted.app_key = app.app_key
                    and wanted.usage_date < before
                    and (wanted.state in ('pending', 'failed', 'rejected') or wanted.expires_on >= wanted.today)
            )
        returning app.app_key
    ),

    forgotten as (
        delete from core.app_day as app_day
        using kept
        where app_day.app_key = kept.app_key and app_day.usage_date < before
        returning app_day.app_key
    )

    select count(*) from forgotten;
end;

comment on function core.forget_app_days is
'Drops app-days before a date, but for apps that have an earlier day that is not final.';
revoke all on function core.forget_app_days from public;
grant execute on function core.forget_app_days to loader;
