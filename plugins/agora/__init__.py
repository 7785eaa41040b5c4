"""Collect Agora's five-minute bandwidth into PostgreSQL, complete and permanently."""
