"""The vendor's bandwidth API as a local server: what stands in for Agora, nothing of the product."""
