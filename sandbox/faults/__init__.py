"""Scripted faults. A fault script is a JSON list of entries; see the page at `/` for their fields.

base      the base class of all kinds, and the requests that faults apply to
kinds     every kind of fault, except for those that change points
points    the kinds that change points
script    the parser of fault scripts
active    the faults in force, and their combined effect on one request
sampling  the random sample of a fault with a `rate`
examples  complete entries for the documentation
"""
