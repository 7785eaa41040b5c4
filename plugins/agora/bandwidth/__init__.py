"""Bandwidth of app-days: plan requests, fetch, decode, normalise and load the points."""
