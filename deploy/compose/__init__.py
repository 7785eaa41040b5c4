"""Commands that containers run under Docker Compose and Kubernetes: initialisation and health checks."""
