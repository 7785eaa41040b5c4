"""Airflow hooks. They turn connections into validated settings."""
