"""Push-stream open state of apps: query it, apply for it, store it."""
