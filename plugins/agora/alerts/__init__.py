"""Telling people: what an incident is, what is said of it, and where to. Knows nothing of Airflow."""
