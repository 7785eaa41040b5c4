"""What may go wrong in a way its reader can mend: each error is a sentence or two, never a traceback."""


class StackError(Exception):
    """Something the local stack expects to happen now and then; the text says what to do next."""


class RefusedError(StackError):
    """The command was refused before it started anything."""


class PortTakenError(RefusedError):
    """A port of the stack is in use by somebody else."""
