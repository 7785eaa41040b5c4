"""The vendor's two APIs as a local server: what stands in for Agora, nothing of the product."""
