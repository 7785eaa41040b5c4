-- Grain: one row per billing group with a contract and per billing period in which a day is expected or has points.
-- Key: billing_group, month. Unit: kbps, with three decimal places. A billing period runs from the contract's billing
-- day to the day before the next billing day. A filter on billing_group or month is applied before any bill is
-- computed. Consumers: analysts who check or predict an invoice, agora_billing_close.
create or replace view mart.billing_statement as
select
    contract.billing_group,
    period.month,
    period.first_date as period_start,
    period.last_date as period_end,
    bill.status,
    bill.is_final,
    contract.method,
    bill.billable_kbps,
    round(contract.commit_kbps, 3) as commit_kbps,
    bill.overage_kbps,
    bill.billed_kbps,
    contract.tiers,
    bill.amount,
    contract.currency,
    bill.projected_kbps,
    case when bill.projected_kbps is not null then bill.amount end as projected_amount,
    case
        when bill.status = 'running' and bill.billable_kbps < contract.commit_kbps
            then mart.days_until_commit(
                contract.billing_group, period.first_date, period.last_date, contract.method, contract.commit_kbps
            )
    end as days_until_commit,
    bill.app_points,
    bill.expected_app_points
from core.billing_contract as contract
cross join
    lateral (
        select
            min(app.first_date) as first_date,
            max(app.last_date) as last_date
        from mart.app as app
        where app.billing_group = contract.billing_group
    ) as known
cross join
    lateral (
        select
            month.first_day::date as month,
            month.first_day::date + contract.billing_day - 1 as first_date,
            (month.first_day + interval '1 month')::date + contract.billing_day - 2 as last_date
        from generate_series(
            date_trunc('month', (known.first_date - contract.billing_day + 1)::timestamp),
            date_trunc('month', (known.last_date - contract.billing_day + 1)::timestamp),
            interval '1 month'
        ) as month (first_day)
    ) as period
cross join
    lateral mart.billing_by_contract(
        contract.billing_group, period.first_date, period.last_date, contract.method, contract.commit_kbps,
        contract.tiers
    ) as bill;

comment on view mart.billing_statement is
'Grain: one row per billing group with a contract and per billing period. The contract applies to all periods.';
comment on column mart.billing_statement.billing_group is 'Billing group.';
comment on column mart.billing_statement.month is 'First day of the month in which the billing period begins.';
comment on column mart.billing_statement.period_start is 'First usage date of the billing period.';
comment on column mart.billing_statement.period_end is 'Last usage date of the billing period.';
comment on column mart.billing_statement.status is
'running (the period is not over for every app), incomplete (the period is over, but an expected point of an app is'
' absent), part of the month (the period is over, but not every day of the period was expected) or final.';
comment on column mart.billing_statement.is_final is 'Whether the status is final.';
comment on column mart.billing_statement.method is 'Billing method of the contract.';
comment on column mart.billing_statement.billable_kbps is
'Rate by the contract''s method over the days so far, kbps; null if there are too few points.';
comment on column mart.billing_statement.commit_kbps is 'Minimum billed rate, kbps; null if the contract has none.';
comment on column mart.billing_statement.overage_kbps is
'Part of billable_kbps above commit_kbps; 0 if billable_kbps does not exceed the commit, null if there is no commit.';
comment on column mart.billing_statement.billed_kbps is 'The larger of billable_kbps and commit_kbps.';
comment on column mart.billing_statement.tiers is
'Price tiers: starting rate in kbps, and price per Mbps and billing period; null if the contract has no prices.';
comment on column mart.billing_statement.amount is
'Price of billed_kbps for the billing period, rounded half up to two decimal places; null if there are no prices.';
comment on column mart.billing_statement.currency is 'ISO 4217 code of the amounts; null if there are no prices.';
comment on column mart.billing_statement.projected_kbps is
'Projected billable_kbps of the whole period, which equals the rate so far. For the peak, the fourth peak and the'
' top-five mean, the projection is a lower bound. Null unless the period is running.';
comment on column mart.billing_statement.projected_amount is 'Price of the larger of projected_kbps and commit_kbps.';
comment on column mart.billing_statement.days_until_commit is
'Number of days from the last day with points until the linear trend of the group''s daily values in the period'
' reaches commit_kbps; 0 if the trend has already reached it. Null if the period is not running, if billable_kbps has'
' reached commit_kbps, if there are fewer than seven daily values, if the trend does not rise, or if the number exceeds'
' 365.';
comment on column mart.billing_statement.app_points is 'Number of observed points, counted per app.';
comment on column mart.billing_statement.expected_app_points is
'288 × the number of app-days in the period, up to yesterday, that are expected or have points.';
