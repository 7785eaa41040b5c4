"""Errors that the local stack reports without a traceback. Each message names the cause and the remedy."""


class StackError(Exception):
    """The command failed. The message gives the cause and the next step."""


class RefusedError(StackError):
    """The command was refused before it started anything."""


class PortTakenError(RefusedError):
    """Another program already uses one of the stack's ports."""
