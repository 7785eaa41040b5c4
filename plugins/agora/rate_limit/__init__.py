"""Adaptive rate limiter for a vendor account, shared by all processes that use the account."""
