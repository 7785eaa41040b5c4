"""The command line: `python -m sandbox` starts the server and runs it until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from sandbox.config import Config
from sandbox.credentials import CERTIFICATE_VARIABLE, ID_VARIABLE, credentials_from
from sandbox.https import Https
from sandbox.log import configure, marked
from sandbox.replay import printable_name
from sandbox.server import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sandbox.

    Args:
        arguments: The command line; without it the process's own.

    Returns:
        The exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        credentials, told = credentials_from(os.environ)
        sandbox = Sandbox(_config(options, credentials))
    except (ValueError, OSError) as problem:
        parser.error(str(problem))
    configure(quiet=options.quiet)
    try:
        asyncio.run(_serve(sandbox, told, until_input_ends=options.until_input_ends))
    except OSError as problem:
        what = f"write {problem.filename}" if problem.filename else f"listen on port {options.port}"
        print(marked(f"Cannot {what}: {problem.strerror}."), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A local stand-in for Agora's Dashboard RESTful API and push-stream API, on 127.0.0.1 "
        "only, unless --https is given. It is not the vendor.",
        epilog=f"The credentials are read from {ID_VARIABLE} and {CERTIFICATE_VARIABLE}; one that is not set "
        "is drawn at random and told once at the start.",
    )
    add = parser.add_argument
    add(
        "--port",
        type=int,
        default=8090,
        help="port; 0 picks a free one and tells it (default 8090)",
    )
    add(
        "--https",
        nargs=2,
        metavar=("NAME", "DIRECTORY"),
        help="answer on every address, over HTTPS under this host name; DIRECTORY/ca.pem is what to trust",
    )
    add("--apps", type=int, default=20, help="how many apps the account has (default 20)")
    add(
        "--seed", type=int, default=7, help="decides App IDs and traffic; same seed, same numbers (default 7)"
    )
    add(
        "--traffic",
        type=Path,
        metavar="FILE.csv",
        help="CSV or .csv.gz with interval_start,bits of five-minute intervals, served as one further app "
        "whose last whole day is yesterday",
    )
    add(
        "--clock",
        type=_instant,
        metavar="ISO8601",
        help="instant at which the clock starts (default: real time)",
    )
    add(
        "--timezone",
        default="UTC",
        help="zone in which days begin and end, such as Asia/Shanghai (default UTC)",
    )
    add("--window", default="1 month", help='how far back days are served: "N days" or "1 month" (default)')
    add(
        "--rate-limit",
        type=float,
        default=10,
        metavar="N",
        help="calls of the Dashboard API a second; 0 is no limit (default 10)",
    )
    add("--retry-after", type=int, metavar="SECONDS", help="Retry-After of a 429 (default: no such header)")
    add("--faults", type=Path, metavar="FILE.json", help="scripted faults, a JSON list; see the page at /")
    add(
        "--latency-ms", type=float, default=0, help="holds back each answer of the vendor's calls (default 0)"
    )
    add("--quiet", action="store_true", help="no access log")
    add(
        "--until-input-ends",
        action="store_true",
        help="stop when standard input ends, as with a parent's death",
    )
    return parser


def _config(options: argparse.Namespace, credentials: Any) -> Config:
    return Config(
        credentials=credentials,
        port=options.port,
        https=Https(options.https[0], Path(options.https[1])) if options.https else None,
        apps=options.apps,
        seed=options.seed,
        traffic=options.traffic,
        clock=options.clock,
        timezone=options.timezone,
        window=options.window,
        rate_limit_per_second=options.rate_limit,
        retry_after_seconds=options.retry_after,
        faults=_read_faults(options.faults),
        latency_ms=options.latency_ms,
        access_log=not options.quiet,
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _read_faults(path: Path | None) -> Any:
    if path is None:
        return []
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as problem:
        raise ValueError(f"{printable_name(path)} is not JSON: {problem}.") from problem


async def _serve(sandbox: Sandbox, told: list[str], *, until_input_ends: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, stop)
    await sandbox.start()
    print(marked("\n".join([*_introduction(sandbox), *told, f"Base URL: {sandbox.base_url}"])), flush=True)
    await stop.wait()
    await sandbox.stop()


def _stop_at_end(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _introduction(sandbox: Sandbox) -> list[str]:
    account = sandbox.account
    now = account.clock.now()
    oldest = account.window.oldest_usage_date(now.date())
    limit = account.rate_limit.per_second
    return [
        "This stands in for Agora's Dashboard RESTful API and push-stream API. It is not the vendor.",
        f"Apps: {len(account.apps)}, listed with a description of all calls at {sandbox.root_url}/",
        f"Window: {account.window}; today is {now:%Y-%m-%d} {account.config.timezone}, "
        f"the oldest day served is {oldest}",
        f"Push-stream URL: {sandbox.push_stream_url}",
        f"Rate limit of the Dashboard API: {f'{limit:g} calls a second' if limit else 'none'}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
