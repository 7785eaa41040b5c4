"""Callbacks that tell people what became of a run."""
