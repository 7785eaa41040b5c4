"""Collects Agora's five-minute bandwidth into PostgreSQL, completely and for good."""

__version__ = "0.1.0"
