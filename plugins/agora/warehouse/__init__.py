"""Reads and writes the warehouse. Imports nothing from the vendor API client."""
