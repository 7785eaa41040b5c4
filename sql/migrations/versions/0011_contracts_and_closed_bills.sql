-- Billing contracts and closed bills. Contracts are configuration, and every run replaces them. Closings are
-- append-only facts, so a later restatement cannot change a closed bill.

create table core.billing_contract (
    billing_group text primary key,
    method text not null,
    commit_kbps numeric,
    tiers jsonb,
    currency text,
    billing_day integer not null,
    constraint days_exist_in_every_month check (billing_day >= 1 and billing_day <= 28),
    constraint prices_have_a_currency check ((tiers is null) = (currency is null))
);

comment on table core.billing_contract is
'Grain: one row per billing group with a contract, as in the variable agora_contracts.';
comment on column core.billing_contract.billing_group is 'Billing group.';
comment on column core.billing_contract.method is 'Billing method: the name of a column of mart.billing_between.';
comment on column core.billing_contract.commit_kbps is 'Minimum billed rate, kbps; null if the contract has none.';
comment on column core.billing_contract.tiers is
'Price tiers: starting rate in kbps, and price per Mbps and billing period; null if the contract has no prices.';
comment on column core.billing_contract.currency is 'ISO 4217 code of the prices; null if the contract has no prices.';
comment on column core.billing_contract.billing_day is 'Day of the month on which billing periods begin, 1 to 28.';

grant select on core.billing_contract to loader;

create table core.closed_bill (
    closing_key bigint generated always as identity primary key,
    billing_group text not null,
    month date not null,
    period_start date not null,
    period_end date not null,
    status text not null,
    method text not null,
    billable_kbps numeric,
    commit_kbps numeric,
    overage_kbps numeric,
    billed_kbps numeric,
    tiers jsonb,
    amount numeric,
    currency text,
    app_points bigint not null,
    expected_app_points bigint not null,
    closed_at timestamptz not null,
    closed_by text,
    run_id text not null,
    invoice_kbps numeric,
    -- A retried task does not add a second closing.
    constraint a_run_closes_a_bill_once unique (billing_group, month, run_id),
    constraint dates_have_four_digit_years check (
        month >= '0001-01-01' and month <= '9999-12-31'
        and period_start >= '0001-01-01' and period_start <= '9999-12-31'
        and period_end >= '0001-01-01' and period_end <= '9999-12-31'
        and closed_at >= '0001-01-01 00:00Z' and closed_at <= '9999-12-31 00:00Z'
    )
);

comment on table core.closed_bill is
'Grain: one row per closing of a billing group''s bill. Rows are never changed or deleted. The newest row of each'
' group and month applies.';
comment on column core.closed_bill.closing_key is 'Key. Newer closings have larger keys.';
comment on column core.closed_bill.billing_group is 'Billing group.';
comment on column core.closed_bill.month is 'First day of the month in which the billing period begins.';
comment on column core.closed_bill.period_start is 'First usage date of the billing period.';
comment on column core.closed_bill.period_end is 'Last usage date of the billing period.';
comment on column core.closed_bill.status is 'Status of the bill when it was closed.';
comment on column core.closed_bill.method is 'Billing method of the contract.';
comment on column core.closed_bill.billable_kbps is
'Rate by the contract''s method, kbps; null if there are too few points.';
comment on column core.closed_bill.commit_kbps is 'Minimum billed rate, kbps; null if the contract has none.';
comment on column core.closed_bill.overage_kbps is
'Part of billable_kbps above commit_kbps; null if there is no commit.';
comment on column core.closed_bill.billed_kbps is 'The larger of billable_kbps and commit_kbps.';
comment on column core.closed_bill.tiers is 'Price tiers of the contract; null if the contract has no prices.';
comment on column core.closed_bill.amount is
'Price of billed_kbps for the billing period; null if there are no prices.';
comment on column core.closed_bill.currency is 'ISO 4217 code of the amount.';
comment on column core.closed_bill.app_points is 'Number of observed points, counted per app.';
comment on column core.closed_bill.expected_app_points is 'Number of expected points, counted per app.';
comment on column core.closed_bill.closed_at is
'When the figures were recorded. Adding an invoice later does not change this time.';
comment on column core.closed_bill.closed_by is 'Airflow user who closed the bill; null if Airflow did not name one.';
comment on column core.closed_bill.run_id is 'Airflow run ID of the closing.';
comment on column core.closed_bill.invoice_kbps is
'Rate on the invoice, by the contract''s method, kbps; null if no rate was entered.';

-- The loader cannot update or delete rows, so no run can rewrite a closing.
grant select, insert on core.closed_bill to loader;
