"""`make chaos`: processes are killed at random moments; what the warehouse acknowledged must be the truth."""
