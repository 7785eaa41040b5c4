"""Validated settings from connections and variables."""
