-- Grain: one row per billing group with a contract. Key: billing_group. Consumers: analysts, the page's Trend view.
create or replace view mart.billing_contract as
select
    contract.billing_group,
    contract.method,
    round(contract.commit_kbps, 3) as commit_kbps,
    contract.currency,
    contract.billing_day
from core.billing_contract as contract;

comment on view mart.billing_contract is
'Grain: one row per billing group with a contract in the variable agora_contracts.';
comment on column mart.billing_contract.billing_group is 'Billing group.';
comment on column mart.billing_contract.method is 'Billing method: the name of a column of mart.billing_between.';
comment on column mart.billing_contract.commit_kbps is 'Minimum billed rate, kbps; null if the contract has none.';
comment on column mart.billing_contract.currency is 'ISO 4217 code of the prices; null if the contract has no prices.';
comment on column mart.billing_contract.billing_day is 'Day of the month on which billing periods begin, 1 to 28.';
