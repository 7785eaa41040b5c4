"""Collect Agora's five-minute bandwidth into PostgreSQL, complete and permanently."""

__version__ = "1.0.0"
