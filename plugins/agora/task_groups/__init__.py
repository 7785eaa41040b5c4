"""Task groups that several DAGs share."""
