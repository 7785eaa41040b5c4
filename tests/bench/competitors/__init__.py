"""What people would pick instead, each at its best; their packages are in `.venv-competitors`."""
