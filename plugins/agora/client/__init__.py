"""Client of the vendor's two APIs over HTTP. Does not import the warehouse."""
