"""Commands that run in containers under Docker Compose and Kubernetes: initialisation, health checks."""
