"""Runs dockerd for the tests until standard input ends: `python -m …engine.keeper HOME SECONDS`.

The keeper is a separate process, so that nothing is left behind even if the tests are killed. dockerd runs in
its own process and mount namespaces. When the first process in them ends, so do all containers and mounts.
dockerd does not touch the machine's packet filter, which other engines share. The keeper removes what it
added outside the namespaces: bridges and the rules for outgoing traffic.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

# Second octets of networks that machines and other engines rarely use. Each engine takes a free one.
NETWORKS = range(213, 223)
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def keep(home: Path, start_seconds: float) -> None:
    """Start dockerd, print `ready` or the reason for a failure, and stop dockerd when standard input ends."""
    forwarding = FORWARDING.read_text()
    network, process = _add_bridge(), None
    try:
        _change_outgoing_rules("--insert", network)
        process = _start(home, network)
        status = "ready" if _responds(home, process, start_seconds) else _last_line(home / "log")
        print(status, flush=True)  # noqa: T201 - the parent process waits for this line
        sys.stdin.read()
        _remove_all(home)
    finally:
        if process:
            process.kill()
            process.wait()
        _remove_bridges(network)
        _change_outgoing_rules("--delete", network)
        if not any(f"agora-{other}" in _addresses() for other in NETWORKS):
            FORWARDING.write_text(forwarding)
        shutil.rmtree(home, ignore_errors=True)


def _add_bridge() -> int:
    """Add a bridge in a free network; return the second octet of its addresses."""
    for network in NETWORKS:
        add = ["ip", "link", "add", f"agora-{network}", "type", "bridge"]
        if f" 10.{network}." in _addresses() or subprocess.run(add, check=False).returncode:
            continue
        for arguments in (["link", "set", f"agora-{network}", "up"], _address(network)):
            subprocess.run(["ip", *arguments], check=True)
        return network
    raise RuntimeError("All networks for the tests' engines are taken.")


def _address(network: int) -> list[str]:
    return ["addr", "add", f"10.{network}.0.1/24", "dev", f"agora-{network}"]


def _addresses() -> str:
    return subprocess.run(["ip", "-o", "-4", "addr"], capture_output=True, text=True, check=True).stdout


def _change_outgoing_rules(action: str, network: int) -> None:
    ours = f"10.{network}.0.0/16"
    rules = (
        ("nat", "POSTROUTING", "-s", ours, "!", "-d", ours, "-j", "MASQUERADE"),
        ("filter", "FORWARD", "-s", ours, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-d", ours, "-j", "ACCEPT"),
    )
    for table, chain, *rule in rules:
        subprocess.run(["iptables", "--wait", "--table", table, action, chain, *rule], check=False)


def _start(home: Path, network: int) -> subprocess.Popen[bytes]:
    dies_with_us = ("setpriv", "--pdeathsig", "KILL")
    isolated = (*dies_with_us, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    paths = ("--data-root", f"{home}/data", "--exec-root", f"{home}/exec", "--pidfile", f"{home}/pid")
    pool = f"base=10.{network}.128.0/17,size=24"
    networks = ("--iptables=false", "--bridge", f"agora-{network}", "--default-address-pool", pool)
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [*isolated, "dockerd", "-H", f"unix://{home}/socket", *paths, *networks],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
        )


def _docker(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{home}/socket", "DOCKER_CONFIG": f"{home}/docker"}
    return subprocess.run(
        ["docker", *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def _responds(home: Path, process: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if _docker(home, "info").returncode == 0:
            return True
        time.sleep(0.2)
    return False


def _remove_all(home: Path) -> None:
    """Remove containers and networks properly while dockerd responds."""
    with suppress(subprocess.TimeoutExpired):
        if containers := _docker(home, "ps", "--all", "--quiet").stdout.split():
            _docker(home, "rm", "--force", *containers)
        _docker(home, "network", "prune", "--force")


def _remove_bridges(network: int) -> None:
    for line in _addresses().splitlines():
        if f" 10.{network}." in line:
            subprocess.run(["ip", "link", "delete", line.split()[1]], check=False)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "dockerd logged nothing"


if __name__ == "__main__":
    # On SIGTERM, clean up as at the end of standard input.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    keep(Path(sys.argv[1]), float(sys.argv[2]))
