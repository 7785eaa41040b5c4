-- Creates the warehouse's roles and limits their sessions. Run this file first on a new server, as a superuser or as a
-- login with CREATEROLE and CREATEDB. Running it again only resets other settings of analyst. A warning names each
-- setting that the login cannot change. A new role has no password and cannot log in until you set one with \password.

do $$
declare
    role_name name;
    known record;
    meant record;
begin
    -- The server's default may hide warnings.
    perform set_config('client_min_messages', 'warning', true);
    foreach role_name in array array['owner', 'loader', 'analyst']::name [] loop
        if not exists (select from pg_roles where rolname = role_name) then
            execute format('create role %I login', role_name);
        end if;
    end loop;

    -- A superuser is a member of every role. Any other login must be a member of owner to create a database for owner.
    if not (pg_has_role('owner', 'usage') and pg_has_role('owner', 'set')) then
        begin
            execute format('grant owner to %I', current_user);
        exception when insufficient_privilege then
            raise warning 'The login % cannot become a member of owner, so it cannot create the warehouse.', current_user
                using hint = format('As the login that created owner, or as a superuser: grant owner to %I;', current_user);
        end;
    end if;

    -- A login may change its own settings. Settings for a single database override the settings below.
    begin
        for known in
            select
                setdatabase,
                datname
            from pg_db_role_setting
            left join pg_database on setdatabase = pg_database.oid
            where setrole = 'analyst'::regrole
        loop
            if known.setdatabase = 0 then
                alter role analyst reset all;
            else
                execute format('alter role analyst in database %I reset all', known.datname);
            end if;
        end loop;
    exception when insufficient_privilege then
        raise warning 'The settings of analyst are not reset: analyst may have changed them.'
            using hint = 'Run this file as the login that created analyst, or as a superuser.';
    end;

    for meant in
        select * from (
            values
            -- A default set for the database or the server would end sessions that a run reuses.
            ('owner', 'idle_session_timeout', '0', 'idle sessions of migrations may be ended'),
            ('loader', 'idle_session_timeout', '0', 'idle sessions of a run may be ended'),
            ('analyst', 'idle_session_timeout', '0', 'idle sessions may be ended'),
            -- Transactions set their own timeout, but a default applies until then.
            (
                'owner', 'idle_in_transaction_session_timeout', '20min',
                'migrations may be ended, or may hold their locks indefinitely'
            ),
            ('loader', 'lock_timeout', '60s', 'a run may wait for a lock indefinitely'),
            ('loader', 'statement_timeout', '10min', 'a statement in a run may continue indefinitely'),
            -- In a transaction, the planner may wait for the vendor for up to a quarter of an hour.
            (
                'loader', 'idle_in_transaction_session_timeout', '20min',
                'a run that hangs may hold its locks indefinitely'
            ),
            ('analyst', 'default_transaction_read_only', 'on', 'its sessions are not read-only by default'),
            ('analyst', 'lock_timeout', '60s', 'its queries may wait for a lock indefinitely'),
            ('analyst', 'statement_timeout', '10min', 'its queries may continue indefinitely'),
            (
                'analyst', 'idle_in_transaction_session_timeout', '10min',
                'its forgotten transactions may block vacuum indefinitely'
            ),
            -- analyst may change the settings above, but neither this setting nor its connection limit. Therefore, no
            -- heavy query can fill the disk, and connections remain for the loader.
            ('analyst', 'temp_file_limit', '2GB', 'one heavy query may fill the disk with temporary files')
        ) as setting (role, name, value, otherwise)
    loop
        begin
            execute format('alter role %I set %I = %L', meant.role, meant.name, meant.value);
        exception when insufficient_privilege then null;
        end;
        if not exists (
            select from pg_db_role_setting
            where
                setdatabase = 0
                and setrole = meant.role::regrole
                and format('%s=%s', meant.name, meant.value) = any(setconfig)
        ) then
            raise warning '% of % is not set: %.', meant.name, meant.role, meant.otherwise
                using hint = format('As a superuser: alter role %I set %I = %L;', meant.role, meant.name, meant.value);
        end if;
    end loop;

    begin
        alter role analyst connection limit 20;
    exception when insufficient_privilege then null;
    end;
    if not exists (select from pg_roles where rolname = 'analyst' and rolconnlimit = 20) then
        raise warning 'The connection limit of analyst is not set: its sessions may leave none for the loader.'
            using hint = 'As a superuser: alter role analyst connection limit 20;';
    end if;
end
$$;
