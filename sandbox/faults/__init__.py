"""Scripted faults. A fault script is a JSON list of entries. The page at `/` describes their fields.

base      the base class for all kinds, and the requests that faults apply to
kinds     all kinds of faults, except those that change points
points    the kinds that change points
script    the parser for fault scripts
active    the active faults, and their combined effect on one request
sampling  the random sample for a fault with a `rate`
examples  complete entries for the documentation
"""
