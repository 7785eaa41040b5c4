"""Close the bills for a billing period, so that later restatements show up as differences.

The run stores the current statement of each chosen billing group. `mart.billing_closed` shows the closed
figures beside the current figures and the invoice, with the differences.

- Only groups with a contract in the variable `agora_contracts` have a statement.
- The run refuses to close a bill that is not `final`. With **Force**, the run closes the bill anyway and
  reports this in the run note.
- A bill that is already closed is left unchanged. With **Force**, the run closes the bill again, and the
  latest closing counts.
- If the invoice arrives later, run the DAG again with the invoiced rate. The closed figures do not change.
- If all chosen bills are already closed, the task is skipped and the run succeeds.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from agora.dag_support.dag_defaults import BANDWIDTH_DAG
from agora.operators.billing_close import MONTH, BillingCloseOperator


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    params={
        "month": Param(
            None,
            type=["string", "null"],
            pattern=f"^({MONTH})?$",
            title="Month",
            description="Month in which the period begins, such as 2026-10. Empty: the last finished period.",
        ),
        "billing_group": Param(
            None,
            type=["string", "null"],
            title="Billing group",
            description="Empty: all groups with a contract in agora_contracts.",
        ),
        "invoice_kbps": Param(
            None,
            type=["number", "null"],
            minimum=0,
            title="Invoice, kbps",
            description="Rate on the invoice by the contract's method, before the commit. Requires a group.",
        ),
        "force": Param(
            False,
            type="boolean",
            title="Force",
            description="Close bills even if they are not final or are already closed.",
        ),
    },
    description="Close the bills of a billing period",
    doc_md=__doc__,
    **BANDWIDTH_DAG,
)
def agora_billing_close() -> None:
    """Close the bills that the trigger form selects."""
    BillingCloseOperator(
        task_id="close",
        month="{{ params.month or '' }}",
        billing_group="{{ params.billing_group or '' }}",
        invoice_kbps="{{ '' if params.invoice_kbps is none else params.invoice_kbps }}",
        force="{{ params.force }}",
    )


created_dag = agora_billing_close()
