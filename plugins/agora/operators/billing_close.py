"""Operator that closes the bills of finished billing periods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import note, noting_errors
from agora.dag_support.variables import configured_contracts
from agora.errors import BillNotFinal, SettingsError
from agora.hooks.warehouse import warehouse

if TYPE_CHECKING:
    from airflow.sdk import Context

MONTH = r"[0-9]{4}-(0[1-9]|1[0-2])(-01)?"  # the first day of a month is accepted, too


class BillingCloseOperator(BaseOperator):
    """Store the statements for a billing period. The task is skipped if all statements are already stored.

    Args:
        month: Month in which the billing period begins, such as 2026-10. Empty: the last finished period.
        billing_group: The billing group. Empty: all groups with a contract.
        invoice_kbps: Rate on the invoice in kbps, by the contract's method. Empty: no invoice.
        force: "true" also closes bills that are not final or are already closed.
    """

    template_fields: Sequence[str] = ("month", "billing_group", "invoice_kbps", "force")

    def __init__(
        self,
        *,
        month: str = "",
        billing_group: str = "",
        invoice_kbps: str = "",
        force: str = "false",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.month = month
        self.billing_group = billing_group
        self.invoice_kbps = invoice_kbps
        self.force = force

    def execute(self, context: Context) -> None:
        """Close the bills and note the outcome. Final bills are closed even if other bills are refused."""
        from agora.warehouse import contracts
        from agora.warehouse.billing_close import Request, close

        with noting_errors(context):
            refuse_unknown_keys(context)
            request = Request(
                run_id=context["run_id"],
                closed_by=context["dag_run"].triggering_user_name,
                month=_month(self.month),
                billing_group=self.billing_group,
                invoice_kbps=_kbps(self.invoice_kbps),
                force=self.force.lower() == "true",
            )
            configured = configured_contracts()
            with warehouse() as engine:
                # A separate transaction, so that no run waits for the lock while the statements are computed.
                with engine.begin() as connection:
                    contracts.sync(connection, configured)
                with engine.begin() as connection:
                    outcome = close(connection, request)
            if outcome.refused:
                raise BillNotFinal(outcome.text())
        note(context, outcome.text())
        self.log.info("%s", outcome.text())
        if not outcome.closed:
            raise AirflowSkipException(outcome.text())


def _month(value: str) -> date | None:
    if not value:
        return None
    if not re.fullmatch(MONTH, value):
        raise SettingsError(f"month must be written like 2026-10, not {value!r}.")
    return date.fromisoformat(f"{value[:7]}-01")


def _kbps(value: str) -> Decimal | None:
    if not value:
        return None
    try:
        kbps = Decimal(value)
    except InvalidOperation:
        kbps = Decimal("NaN")
    if not kbps.is_finite() or kbps < 0:
        raise SettingsError(f"invoice_kbps must be a rate in kbps, not {value!r}.")
    return kbps
