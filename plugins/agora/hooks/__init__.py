"""Airflow hooks, which turn connections into validated settings."""
