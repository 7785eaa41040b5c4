"""Airflow operators. They pass settings to the core and report its results."""
