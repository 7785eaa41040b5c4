"""Lower limits on the time: only fetching, and only writing."""
