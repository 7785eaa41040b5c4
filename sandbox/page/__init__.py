"""The description as a page for people: one HTML text that loads nothing and needs no script."""
