"""Whoever imports Airflow gets directories where AIRFLOW_HOME says: in nobody's home, gone at the end."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

HOME = TemporaryDirectory(prefix="airflow-home-")
os.environ["AIRFLOW_HOME"] = HOME.name
