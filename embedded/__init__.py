"""The local stack without Docker: PostgreSQL, the sandbox, Airflow's services, and the demo."""
