"""An installation of several processes or containers: prepared once, checked while it runs."""
