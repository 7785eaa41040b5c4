"""Collects Agora's five-minute bandwidth into PostgreSQL, completely and for good."""
