"""`make bench PARTS=soak`: a week of nights on a real stack with a simulated clock."""
