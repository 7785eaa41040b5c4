"""The model test: simulated nights with every behaviour of the vendor, checked against a page of rules."""
