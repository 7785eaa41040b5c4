"""Script that drops root's privileges, ends with its parent, and executes another program.

PostgreSQL refuses to run as root. The script therefore enters a user namespace in which root is `nobody`. No
file changes its owner, and PostgreSQL can work below a private directory. If user namespaces are not
permitted, the script switches to the user `nobody` instead. The script binds itself to its parent last,
because the kernel drops this binding when a process changes its user.
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
    """Become `nobody` inside a new user namespace. Outside the namespace, files still belong to root."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def become_nobody() -> None:
    """Switch to the user `nobody` permanently."""
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def die_with(parent: int) -> None:
    """Receive SIGINT when the parent (the thread that started this process) ends. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        raise SystemExit("The parent process has ended.")


def main(identity: str, parent: str, *command: str) -> None:
    """Switch to an identity (`self`, `namespace` or `nobody`), bind to a parent (0: none), run a command."""
    if identity == "namespace":
        enter_user_namespace()
    elif identity == "nobody":
        become_nobody()
    if parent != "0":
        die_with(int(parent))
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(*sys.argv[1:])
