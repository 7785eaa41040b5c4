-- How each billing group is billed, and the bills that were closed. Contracts are configuration, which each run
-- replaces. Closings are facts. They are only ever added, so a later restatement cannot change a closed bill.

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
comment on column core.billing_contract.method is 'Billing method, the name of a column of mart.billing_between.';
comment on column core.billing_contract.commit_kbps is 'Minimum rate that is billed, kbps; null if there is none.';
comment on column core.billing_contract.tiers is
'Prices per Mbps and billing period, by the rate at which each tier begins; null if the contract has no price.';
comment on column core.billing_contract.currency is 'ISO 4217 code of the prices; null if the contract has no price.';
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
    -- A repeated task adds nothing.
    constraint a_run_closes_a_bill_once unique (billing_group, month, run_id),
    constraint dates_have_four_digit_years check (
        month >= '0001-01-01' and month <= '9999-12-31'
        and period_start >= '0001-01-01' and period_start <= '9999-12-31'
        and period_end >= '0001-01-01' and period_end <= '9999-12-31'
        and closed_at >= '0001-01-01 00:00Z' and closed_at <= '9999-12-31 00:00Z'
    )
);

comment on table core.closed_bill is
'Grain: one row per closing of a billing group''s bill. Rows are never changed or deleted. The newest row of a group'
' and month counts.';
comment on column core.closed_bill.closing_key is 'Key, in the order in which the closings were added.';
comment on column core.closed_bill.billing_group is 'Billing group.';
comment on column core.closed_bill.month is 'First day of the month in which the billing period begins.';
comment on column core.closed_bill.period_start is 'First usage date of the billing period.';
comment on column core.closed_bill.period_end is 'Last usage date of the billing period.';
comment on column core.closed_bill.status is 'Status of the bill when it was closed.';
comment on column core.closed_bill.method is 'Billing method of the contract.';
comment on column core.closed_bill.billable_kbps is 'Rate by the contract''s method, kbps; null without enough points.';
comment on column core.closed_bill.commit_kbps is 'Minimum rate that is billed, kbps; null if there is none.';
comment on column core.closed_bill.overage_kbps is 'Part of billable_kbps above commit_kbps; null without a commit.';
comment on column core.closed_bill.billed_kbps is 'The larger of billable_kbps and commit_kbps.';
comment on column core.closed_bill.tiers is 'Prices per Mbps and billing period; null if the contract has no price.';
comment on column core.closed_bill.amount is 'Price of billed_kbps for the billing period; null without a price.';
comment on column core.closed_bill.currency is 'ISO 4217 code of the amount.';
comment on column core.closed_bill.app_points is 'Number of observed points, counted per app.';
comment on column core.closed_bill.expected_app_points is 'Number of expected points, counted per app.';
comment on column core.closed_bill.closed_at is 'When the figures were taken. An invoice added later keeps this time.';
comment on column core.closed_bill.closed_by is 'Airflow user who closed the bill; null if Airflow did not name one.';
comment on column core.closed_bill.run_id is 'Airflow run ID of the closing.';
comment on column core.closed_bill.invoice_kbps is
'Rate that the invoice states by the contract''s method, kbps; null if none was given.';

-- Without the rights to change or delete rows, no run can rewrite a closing.
grant select, insert on core.closed_bill to loader;
