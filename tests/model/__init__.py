"""The model test: simulated nights with every behaviour of the vendor, against a page of rules."""
