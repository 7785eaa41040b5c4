"""Alerts about failed runs: incidents, messages, recipients. Does not import Airflow."""
