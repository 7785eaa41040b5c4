"""The SQL side: what is kept, and how; knows nothing of the vendor."""
