"""What people see in Airflow's own UI."""
