-- The warehouse's roles and what bounds each session of theirs. Run by a superuser, on a new server first of all;
-- running it again changes nothing. A role made here has no password and so cannot log in: \password gives it one.

do $$
declare
    wanted name;
begin
    foreach wanted in array array['owner', 'loader', 'analyst']::name [] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I login', wanted);
        end if;
    end loop;
end
$$;

-- The planner may wait for the vendor in a transaction, for a quarter of an hour at most.
alter role loader set lock_timeout = '60s';
alter role loader set statement_timeout = '10min';
alter role loader set idle_in_transaction_session_timeout = '20min';

alter role analyst set default_transaction_read_only = on;
alter role analyst set lock_timeout = '60s';
alter role analyst set statement_timeout = '10min';
alter role analyst set idle_in_transaction_session_timeout = '10min';
-- Whoever logs in may change the settings above, but not these two: a heavy query fills no disk, and there is
-- always a connection left for the loader.
alter role analyst set temp_file_limit = '2GB';
alter role analyst connection limit 20;
