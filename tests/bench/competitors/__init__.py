"""The alternatives to our loader, each well tuned. Their packages are in `.venv-competitors`."""
