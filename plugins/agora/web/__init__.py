"""The Bandwidth page in Airflow's UI."""
