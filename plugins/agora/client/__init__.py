"""HTTP clients for the vendor's two APIs. This package does not import the warehouse."""
