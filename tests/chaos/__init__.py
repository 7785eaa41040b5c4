"""`make chaos` kills processes at random moments. Acknowledged data must be in the warehouse and correct."""
