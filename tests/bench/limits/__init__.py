"""What nothing can be faster than: only the fetching, only the writing."""
