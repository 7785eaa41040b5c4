-- Grain: one row per billing group with a contract and billing period in which a day is expected or has points. Key:
-- billing_group, month. Unit: kbps, with three decimal places. A billing period runs from the contract's billing day to
-- the day before the next one. A filter on billing_group or month is applied before any bill is computed. Consumers:
-- analysts who check or predict an invoice, agora_billing_close.
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
'Grain: one row per billing group with a contract and billing period. The contract applies to all periods.';
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
'Rate by the contract''s method, over the days so far, kbps; null without enough points.';
comment on column mart.billing_statement.commit_kbps is 'Minimum rate that is billed, kbps; null if there is none.';
comment on column mart.billing_statement.overage_kbps is
'Part of billable_kbps above commit_kbps; 0 if there is none, null without a commit.';
comment on column mart.billing_statement.billed_kbps is 'The larger of billable_kbps and commit_kbps.';
comment on column mart.billing_statement.tiers is
'Prices per Mbps and billing period, by the rate at which each tier begins; null if the contract has no price.';
comment on column mart.billing_statement.amount is
'Price of billed_kbps for the billing period, rounded half up to two decimal places; null without a price.';
comment on column mart.billing_statement.currency is 'ISO 4217 code of the amounts; null without a price.';
comment on column mart.billing_statement.projected_kbps is
'Projected billable_kbps of the whole period: the rate so far. For the peak, the fourth peak and the top-five mean, it'
' is a lower bound. Null unless the period is running.';
comment on column mart.billing_statement.projected_amount is 'Price of projected_kbps, at least of commit_kbps.';
comment on column mart.billing_statement.days_until_commit is
'Days from the last day with points until the group''s daily values reach commit_kbps, at the linear trend of the'
' period so far; 0 if the trend is already there. Null unless the period is running, if billable_kbps has reached'
' commit_kbps, with fewer than seven days, if the trend does not rise, or after more than 365 days.';
comment on column mart.billing_statement.app_points is 'Number of observed points, counted per app.';
comment on column mart.billing_statement.expected_app_points is
'288 × the number of app-days in the period, up to yesterday, that are expected or have points.';
