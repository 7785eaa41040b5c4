"""Measurements, compared within one run. No test asserts a time."""
