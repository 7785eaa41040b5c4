"""A day's points: which to ask for, how to read them, how to bring them into the warehouse."""
