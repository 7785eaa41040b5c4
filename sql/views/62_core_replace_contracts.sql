-- Replace the stored contracts. A function is needed, because the loader may not delete rows. 60_core_delete_old.sql
-- explains the search_path. Consumers: the planner, agora_billing_close.
create or replace function core.replace_contracts(contracts jsonb)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    -- Two runs may replace the contracts at the same time.
    lock table core.billing_contract in share row exclusive mode;
    delete from core.billing_contract;
    insert into core.billing_contract (billing_group, method, commit_kbps, tiers, currency, billing_day)
    select given.billing_group, given.method, given.commit_kbps, given.tiers, given.currency, given.billing_day
    from jsonb_to_recordset(contracts) as given (
        billing_group text, method text, commit_kbps numeric, tiers jsonb, currency text, billing_day integer
    );
end
$$;

comment on function core.replace_contracts is 'Replace all rows of core.billing_contract with the given contracts.';
revoke all on function core.replace_contracts from public;
grant execute on function core.replace_contracts to loader;
