-- Sets which roles may connect to the current database, and revokes their access to server functions that can do harm.
-- Run this file once per warehouse, after roles.sql, as a superuser or as the login that ran roles.sql. Running it
-- again changes nothing. A warning names each setting that the login cannot change.

do $$
declare
    here constant name := current_database();
    guarded record;
    grantee name;
    left_open text[] := '{}';
begin
    -- The server's default may hide warnings.
    perform set_config('client_min_messages', 'warning', true);
    if not pg_has_role((select datdba from pg_database where datname = here), 'usage') then
        raise exception 'The login % neither owns the database % nor is a member of its owner.', current_user, here
            using hint = 'Run this file as a superuser, or as the login that ran roles.sql and created the database.';
    end if;
    execute format('alter database %I set timezone to ''UTC''', here);
    execute format('revoke all on database %I from public, analyst', here);
    execute format('grant connect on database %I to loader, analyst', here);
    execute format('grant temporary on database %I to loader', here);
    -- The database may belong to another login, such as the login of the provider.
    execute format('grant connect, create, temporary on database %I to owner', here);
    if has_database_privilege('public', here, 'connect, temporary') then
        raise warning 'Everyone who can log in to this server can connect to the database %.', here
            using hint = format('As a superuser: revoke all on database %I from public;', here);
    end if;

    -- By default, everyone may call these functions. They need no right to any table. They write to the server's disk
    -- (large objects, the write-ahead log, one file per exported snapshot, the notification queue), end sessions of the
    -- same login, or block other users of an advisory lock. Read-only transactions do not prevent these effects.
    -- If the login lacks the right, REVOKE and GRANT only warn, once per object, so the result is checked afterwards.
    perform set_config('client_min_messages', 'error', true);
    begin
        -- Versions before PostgreSQL 15 granted this right to everyone, and an upgrade does not revoke it.
        revoke create on schema public from public;
        if not has_schema_privilege('owner', 'public', 'create') then
            grant usage, create on schema public to owner;
        end if;
    exception when insufficient_privilege then null;
    end;
    for guarded in
        select
            oid::regprocedure as name,
            case
                when proname ~ 'advisory' then array['loader']
                when proname in ('pg_cancel_backend', 'pg_terminate_backend')
                    then array['owner', 'loader', 'pg_signal_backend']
                -- pg_dump with several jobs needs this function.
                when proname = 'pg_export_snapshot' then array['owner', 'pg_read_all_data']
                else '{}'
            end as grantees
        from pg_proc
        where
            pronamespace = 'pg_catalog'::regnamespace
            and (
                proname ~ '^pg_(try_)?advisory_(xact_)?lock'
                or proname ~ '^lo_'
                or proname in (
                    'loread', 'lowrite', 'pg_logical_emit_message', 'pg_export_snapshot', 'pg_notify',
                    'pg_cancel_backend', 'pg_terminate_backend'
                )
            )
        order by proname
    loop
        begin
            execute format('revoke execute on function %s from public', guarded.name);
            foreach grantee in array guarded.grantees loop
                execute format('grant execute on function %s to %I', guarded.name, grantee);
            end loop;
        exception when insufficient_privilege then null;
        end;
        if has_function_privilege('analyst', guarded.name, 'execute') then
            left_open := left_open || split_part(guarded.name::text, '(', 1);
        end if;
    end loop;
    perform set_config('client_min_messages', 'warning', true);
    if has_schema_privilege('public', 'public', 'create') then
        raise warning 'Everyone who can connect can create tables in the schema public and fill the disk.'
            using hint = 'As a superuser: revoke create on schema public from public;';
    end if;
    if not has_schema_privilege('owner', 'public', 'create') then
        raise warning 'owner cannot create tables in the schema public, so migrations fail.'
            using hint = 'As a superuser: grant usage, create on schema public to owner;';
    end if;
    if current_setting('max_prepared_transactions')::integer > 0 then
        raise warning 'max_prepared_transactions is %: analyst can leave transactions behind that hold locks and block'
            ' vacuum indefinitely.', current_setting('max_prepared_transactions')
            using hint = 'Unless you need prepared transactions, set max_prepared_transactions = 0 and restart the'
                || ' server. pg_prepared_xacts lists the transactions left behind, and ROLLBACK PREPARED ends them.';
    end if;
    if left_open <> '{}' then
        raise warning 'analyst can still execute functions that write to the disk or end sessions: %.',
            (select string_agg(distinct name, ', ' order by name) from unnest(left_open) as name)
            using hint = 'Only a superuser can revoke them. Ask your provider to run this file, or share the password'
                || ' of analyst only with people who you trust not to fill the disk.';
    end if;
end
$$;
