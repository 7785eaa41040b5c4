"""Everything that reads or writes the warehouse. Imports nothing of the vendor's client."""
