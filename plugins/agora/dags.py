"""Exports each DAG under its DAG ID, for import by a DAG file in your own Airflow installation.

    # Airflow reads Agora's DAGs from this file.
    from agora.dags import *

To load only some of the DAGs, import them by name.
"""

from __future__ import annotations

import runpy
from typing import Any

from agora.resources import DAGS

__all__ = sorted(path.stem for path in DAGS.glob("*.py"))


def __getattr__(dag_id: str) -> Any:
    """Run a DAG's file on first import, and return the DAG."""
    if dag_id not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {dag_id!r}")
    dag = runpy.run_path(str(DAGS / f"{dag_id}.py"), run_name=f"{__name__}.{dag_id}")["created_dag"]
    globals()[dag_id] = dag
    return dag
