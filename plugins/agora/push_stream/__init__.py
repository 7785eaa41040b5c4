"""Query, apply for and store the push-stream open state of apps."""
