"""The commands `demo`, `up`, `stop` and `clean` of the Makefile, and those of bin/."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from embedded import cli_tools, configuration, demo, postgres, report, stack
from embedded.errors import RefusedError, StackError
from embedded.progress import step
from embedded.settings import Settings

USAGE = "python -m embedded demo | up | stop | clean | airflow … | psql [--owner] … | pg_dump …"


def main(arguments: Sequence[str]) -> int:
    """Run one command; return the exit status."""
    command, *rest = arguments or [""]
    # A terminated command tells how to stop what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, _interrupt)
    postgres.forget_the_callers_server()
    try:
        settings = Settings.from_environment()
        if command in TOOLS:
            TOOLS[command](settings, rest)
        if command not in COMMANDS or rest:
            raise StackError(f"What shall be done? {USAGE}")
        COMMANDS[command](settings)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    except StackError as error:
        print(f"\n{error}" if command in STARTING else error, file=sys.stderr)
        return _hint(command, 1)
    except BrokenPipeError:
        # Whoever read our output has gone; what we started stays. Nothing may be flushed at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return _hint(command, 130)
    return 0


def _up(settings: Settings) -> None:
    configuration.require_for_up(stack.caller_environment(settings, stack.UP))
    running = stack.start(settings, stack.UP, configuration.apply)
    with step(f"DAG {stack.DAG_ID}"):
        configuration.unpause(running)
    print(f"\n{report.addresses(running)}")


def _stop(settings: Settings) -> None:
    began = time.monotonic()
    if stack.stop(settings):
        print(f"Stopped in {time.monotonic() - began:.1f} s. The data stay in {settings.state}.")
    else:
        print("Nothing was running.")


def _clean(settings: Settings) -> None:
    stack.clean(settings)
    print(f"Nothing runs, and {settings.state} is removed.")


def _hint(command: str, status: int) -> int:
    if command in STARTING:
        print("What was started stays up; `make stop` stops it. The same command goes on.", file=sys.stderr)
    return status


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


STARTING = ("demo", "up")
COMMANDS = {"demo": demo.run, "up": _up, "stop": _stop, "clean": _clean}
TOOLS = {"airflow": cli_tools.airflow, "psql": cli_tools.psql, "pg_dump": cli_tools.pg_dump}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
