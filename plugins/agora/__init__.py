"""Collect every five-minute bandwidth point that Agora reports, and store it permanently in PostgreSQL."""

__version__ = "1.0.0"
