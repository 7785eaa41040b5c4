"""The command line: `python -m sandbox` runs the server until it receives a signal."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.config import Config
from sandbox.credentials import CERTIFICATE_VARIABLE, ID_VARIABLE, Credentials, credentials_from
from sandbox.http.server import Sandbox
from sandbox.log import configure, marked
from sandbox.traffic.recorded import printable_name

if TYPE_CHECKING:
    from sandbox.http.https import Https


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox.

    Args:
        arguments: The command-line arguments. Default: those of the process.

    Returns:
        The exit status.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        credentials, generated = credentials_from(os.environ)
        sandbox = Sandbox(_config(options, credentials))
    except (ValueError, OSError) as problem:
        parser.error(str(problem))
    configure(quiet=options.quiet)
    try:
        asyncio.run(_serve(sandbox, generated, until_input_ends=options.until_input_ends))
    except OSError as problem:
        action = f"write {problem.filename}" if problem.filename else f"listen on port {options.port}"
        print(marked(f"Cannot {action}: {problem.strerror}."), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Run a local server that imitates Agora's Dashboard RESTful API and push-stream API. It "
        "listens on 127.0.0.1 only, unless you set --https. It is not the vendor.",
        epilog=f"The environment variables {ID_VARIABLE} and {CERTIFICATE_VARIABLE} set the credentials. If "
        "a variable is not set, the sandbox generates a random value and prints it once at startup.",
    )
    add = parser.add_argument
    add(
        "--port",
        type=int,
        default=8090,
        help="port; 0 selects a free port and prints it (default: 8090)",
    )
    add(
        "--https",
        nargs=2,
        metavar=("NAME", "DIRECTORY"),
        help="serve HTTPS on all addresses under this host name; clients must trust DIRECTORY/ca.pem",
    )
    add("--apps", type=int, default=20, help="number of generated apps (default: 20)")
    add(
        "--seed",
        type=int,
        default=7,
        help="seed for the App IDs and the traffic; equal seeds give equal data (default: 7)",
    )
    add(
        "--traffic",
        type=Path,
        metavar="FILE.csv",
        help="recorded traffic, served as an additional app: a CSV or .csv.gz file with the columns "
        "interval_start and bits, one row per five-minute interval; the last whole day becomes yesterday",
    )
    add(
        "--clock",
        type=_instant,
        metavar="ISO8601",
        help="initial time of the clock (default: real time)",
    )
    add(
        "--timezone",
        default="UTC",
        help="time zone in which days begin and end, such as Asia/Shanghai (default: UTC)",
    )
    add("--window", default="1 month", help='vendor window: "N days" or "1 month" (default: 1 month)')
    add(
        "--rate-limit",
        type=float,
        default=10,
        metavar="N",
        help="Dashboard API requests per second; 0 means unlimited (default: 10)",
    )
    add("--retry-after", type=int, metavar="SECONDS", help="Retry-After header for 429s (default: no header)")
    add(
        "--faults",
        type=Path,
        metavar="FILE.json",
        help="fault script, a JSON list; see the page at /",
    )
    add(
        "--latency-ms",
        type=float,
        default=0,
        metavar="MS",
        help="delay for every response that imitates the vendor (default: 0)",
    )
    add("--quiet", action="store_true", help="omit the access log")
    add(
        "--until-input-ends",
        action="store_true",
        help="stop at the end of standard input, for example when the parent process ends",
    )
    return parser


def _config(options: argparse.Namespace, credentials: Credentials) -> Config:
    return Config(
        credentials=credentials,
        port=options.port,
        https=_https(*options.https) if options.https else None,
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
    )


def _https(host: str, directory: str) -> Https:
    # Imported only if needed, because importing cryptography takes a tenth of the startup time.
    from sandbox.http.https import Https

    return Https(host, Path(directory))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _read_faults(path: Path | None) -> Any:
    if path is None:
        return []
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as problem:
        raise ValueError(f"{printable_name(path)} is not JSON: {problem}.") from problem


async def _serve(sandbox: Sandbox, generated: list[str], *, until_input_ends: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_input_ends:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, stop)
    await sandbox.start()
    lines = [*_introduction(sandbox), *generated, f"Base URL: {sandbox.base_url}"]
    print(marked("\n".join(lines)), flush=True)
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
        "This server imitates Agora's Dashboard RESTful API and push-stream API. It is not the vendor.",
        f"Apps: {len(account.apps)}. The page at {sandbox.root_url}/ lists them and describes all endpoints.",
        f"Window: {account.window}, from {oldest} to today, {now:%Y-%m-%d} {account.config.timezone}",
        f"Push-stream URL: {sandbox.push_stream_url}",
        f"Rate limit of the Dashboard API: {f'{limit:g} requests per second' if limit else 'none'}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
