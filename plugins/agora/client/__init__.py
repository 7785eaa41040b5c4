"""The vendor's two APIs over HTTP; knows nothing of the warehouse."""
