"""Where Chromium is, and how it is kept from looking for news of itself."""

from __future__ import annotations

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def path_of_chromium() -> str:
    """Return the program's path: AGORA_CHROMIUM, or what is on PATH.

    Raises:
        FileNotFoundError: There is none.
    """
    for name in filter(None, (os.environ.get("AGORA_CHROMIUM"), *NAMES)):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(
        "make test-browser needs Chromium. Install it (on Debian: apt-get install chromium),"
        " or let AGORA_CHROMIUM name its program."
    )


if __name__ == "__main__":
    try:
        path_of_chromium()
    except FileNotFoundError as missing:
        sys.exit(str(missing))
