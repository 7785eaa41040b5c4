-- Who may connect to the database it is run in, and what nobody may do there. Run by a superuser, once for each
-- warehouse, after roles.sql; running it again changes nothing.

do $$
declare
    here constant name := current_database();
    function_name regprocedure;
begin
    execute format('alter database %I set timezone to ''UTC''', here);
    execute format('revoke all on database %I from public, analyst', here);
    execute format('grant connect on database %I to loader, analyst', here);
    execute format('grant temporary on database %I to loader', here);

    -- Everybody may call these, and so fill the disk with large objects or hold up the planner with its own
    -- advisory lock, without a right to any table.
    for function_name in
        select oid::regprocedure from pg_proc
        where
            pronamespace = 'pg_catalog'::regnamespace
            and (proname ~ '^pg_(try_)?advisory_(xact_)?lock' or proname in ('lo_creat', 'lo_create', 'lo_from_bytea'))
    loop
        execute format('revoke execute on function %s from public', function_name);
        if function_name::text like '%advisory%' then
            execute format('grant execute on function %s to loader', function_name);
        end if;
    end loop;
end
$$;
