"""Rate limiter of a vendor account: adaptive, and shared by all processes of the account."""
