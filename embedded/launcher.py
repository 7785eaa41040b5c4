"""A script of its own: gives up root, binds its life to its parent's, and becomes another program.

PostgreSQL refuses to run as root. This script enters a user namespace where root is `nobody` (nothing need be
chowned, it works below a private directory) or, where that is not permitted, becomes `nobody` for real. The
parent must be set after that, because the kernel forgets it when a process changes who it is.
"""

import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NOBODY = 65534


def enter_user_namespace() -> None:
    """Become `nobody` in a namespace of our own, while files still belong to root outside."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def become_nobody() -> None:
    """Change to the user `nobody`, for good."""
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def die_with(parent: int) -> None:
    """Have the kernel send SIGINT when the parent (the thread that started us) ends; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        raise SystemExit("The process that started this one has ended.")


def main(identity: str, parent: str, *command: str) -> None:
    """Change who we are (`self`, `namespace`, `nobody`), bind us to a parent (0: none), run the command."""
    if identity == "namespace":
        enter_user_namespace()
    elif identity == "nobody":
        become_nobody()
    if parent != "0":
        die_with(int(parent))
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(*sys.argv[1:])
