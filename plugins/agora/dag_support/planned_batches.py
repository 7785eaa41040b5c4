"""What the collecting tasks are mapped over: the references that the planning task returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk.definitions.xcom_arg import PlainXComArg

from agora.dag_support.batches import task_output_removed
from agora.dag_support.run_notes import noting_errors

if TYPE_CHECKING:
    from airflow.sdk import Context


class PlannedBatches(PlainXComArg):
    """The planning task's output, which fails with a sentence if it was removed after the run.

    Airflow itself would end with `KeyError: 'batch'` before the operator runs, and try again for hours.
    """

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """Return the references.

        Raises:
            AirflowFailException: They are gone.
        """
        references = super().resolve(context)
        if references is None:
            with noting_errors(cast("Context", context)):
                raise task_output_removed(context["ti"], self.operator.task_id)
        return references
