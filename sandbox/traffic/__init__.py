"""Traffic: the apps, their generated or recorded points, and the days that the sandbox serves."""
