"""The local stack, without Docker: PostgreSQL, the sandbox API, Airflow's services and the demo."""
