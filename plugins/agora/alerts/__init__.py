"""Alerts about failed runs: incidents, messages and webhooks. This package does not import Airflow."""
