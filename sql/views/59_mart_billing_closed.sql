-- Grain: one row per closed billing group and month, with the newest closing beside today's figures for the same period
-- and contract. Key: billing_group, month. Unit: kbps, with three decimal places. A later restatement appears as a
-- difference and does not change the closed figures. Consumers: analysts who check an invoice.
create or replace view mart.billing_closed as
select
    closed.billing_group,
    closed.month,
    closed.period_start,
    closed.period_end,
    closed.status,
    closed.method,
    closed.billable_kbps,
    closed.commit_kbps,
    closed.overage_kbps,
    closed.billed_kbps,
    closed.tiers,
    closed.amount,
    closed.currency,
    closed.app_points,
    closed.expected_app_points,
    closed.closed_at,
    closed.closed_by,
    closed.run_id,
    closed.closings,
    closed.invoice_kbps,
    closed.invoice_kbps - closed.billable_kbps as invoice_difference_kbps,
    bill.status as current_status,
    bill.billable_kbps as current_billable_kbps,
    bill.amount as current_amount,
    bill.app_points as current_app_points,
    bill.billable_kbps - closed.billable_kbps as restated_difference_kbps,
    bill.amount - closed.amount as restated_difference_amount
from (
    select distinct on (closing.billing_group, closing.month)
        closing.*,
        count(*) over (partition by closing.billing_group, closing.month) as closings
    from core.closed_bill as closing
    order by closing.billing_group asc, closing.month asc, closing.closing_key desc
) as closed
left join lateral mart.billing_by_contract(
    closed.billing_group, closed.period_start, closed.period_end, closed.method, closed.commit_kbps, closed.tiers
) as bill on true;

comment on view mart.billing_closed is
'Grain: one row per closed billing group and month, with the newest closing beside today''s figures.';
comment on column mart.billing_closed.billing_group is 'Billing group.';
comment on column mart.billing_closed.month is 'First day of the month in which the billing period begins.';
comment on column mart.billing_closed.period_start is 'First usage date of the billing period.';
comment on column mart.billing_closed.period_end is 'Last usage date of the billing period.';
comment on column mart.billing_closed.status is 'Status of the bill when it was closed. See mart.billing_statement.';
comment on column mart.billing_closed.method is 'Billing method of the contract when the bill was closed.';
comment on column mart.billing_closed.billable_kbps is 'Rate by the contract''s method when the bill was closed, kbps.';
comment on column mart.billing_closed.commit_kbps is 'Minimum billed rate when the bill was closed, kbps.';
comment on column mart.billing_closed.overage_kbps is 'Part of billable_kbps above commit_kbps.';
comment on column mart.billing_closed.billed_kbps is 'The larger of billable_kbps and commit_kbps.';
comment on column mart.billing_closed.tiers is 'Price tiers of the contract when the bill was closed.';
comment on column mart.billing_closed.amount is 'Price of billed_kbps when the bill was closed.';
comment on column mart.billing_closed.currency is 'ISO 4217 code of the amounts.';
comment on column mart.billing_closed.app_points is 'Number of observed points when the bill was closed.';
comment on column mart.billing_closed.expected_app_points is 'Number of expected points when the bill was closed.';
comment on column mart.billing_closed.closed_at is
'When the figures were recorded. Adding an invoice later does not change this time.';
comment on column mart.billing_closed.closed_by is 'Airflow user who closed the bill, if known.';
comment on column mart.billing_closed.run_id is 'Airflow run ID of the newest closing.';
comment on column mart.billing_closed.closings is 'Number of closings of the bill. The newest closing applies.';
comment on column mart.billing_closed.invoice_kbps is
'Rate on the invoice, by the contract''s method, kbps; null if no rate was entered.';
comment on column mart.billing_closed.invoice_difference_kbps is 'invoice_kbps − billable_kbps.';
comment on column mart.billing_closed.current_status is
'Today''s status; null if retention has deleted all days of the period.';
comment on column mart.billing_closed.current_billable_kbps is
'Today''s rate for the same period by the same method, kbps.';
comment on column mart.billing_closed.current_amount is
'Today''s price under the contract that applied when the bill was closed.';
comment on column mart.billing_closed.current_app_points is 'Today''s number of observed points.';
comment on column mart.billing_closed.restated_difference_kbps is 'current_billable_kbps − billable_kbps.';
comment on column mart.billing_closed.restated_difference_amount is 'current_amount − amount.';
