"""The page Bandwidth in Airflow's UI."""
