"""Airflow operators: what a task does, in terms of the core."""
