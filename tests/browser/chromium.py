"""Find Chromium, and the options that disable its background requests."""

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
    """Return the path of Chromium, from AGORA_CHROMIUM or PATH.

    Raises:
        FileNotFoundError: Chromium is not installed.
    """
    for name in filter(None, (os.environ.get("AGORA_CHROMIUM"), *NAMES)):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(
        "make test-browser needs Chromium. Install it (on Debian: apt-get install chromium),"
        " or set AGORA_CHROMIUM to its path."
    )


if __name__ == "__main__":
    try:
        path_of_chromium()
    except FileNotFoundError as missing:
        sys.exit(str(missing))
