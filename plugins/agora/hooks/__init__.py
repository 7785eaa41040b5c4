"""Airflow hooks: connections and variables turned into validated settings."""
