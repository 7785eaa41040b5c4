-- Which closed bills differ from the invoice or from today's figures? One row per closed bill, in Mbps (1 Mbps = 1,000
-- kbps), with the largest differences first. For the changes that cause a restated difference, see mart.restatement. If
-- closed_status is not final, the bill was closed with force.
select
    bill.billing_group,
    bill.month,
    bill.status as closed_status,
    bill.current_status,
    round(bill.billable_kbps / 1000, 3) as closed_mbps,
    round(bill.current_billable_kbps / 1000, 3) as current_mbps,
    round(bill.restated_difference_kbps / 1000, 3) as restated_difference_mbps,
    round(bill.invoice_kbps / 1000, 3) as invoice_mbps,
    round(bill.invoice_difference_kbps / 1000, 3) as invoice_difference_mbps,
    bill.amount as closed_amount,
    bill.current_amount,
    bill.currency,
    bill.closed_at
from mart.billing_closed as bill
order by
    greatest(abs(bill.restated_difference_kbps), abs(bill.invoice_difference_kbps)) desc nulls last,
    bill.month desc,
    bill.billing_group asc;
