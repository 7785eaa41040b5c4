"""Upgrades the warehouse's schema from any release to this release."""
