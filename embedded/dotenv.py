"""Reads a file of KEY=VALUE lines, as `.env` is one."""

from __future__ import annotations

import re
from pathlib import Path

from embedded.errors import StackError
from embedded.private_file import read_private

LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)", re.DOTALL)
QUOTED = re.compile(r"(?P<quote>['\"])(?P<text>.*)(?P=quote)\s*(?:#.*)?", re.DOTALL)


def read(path: Path) -> dict[str, str]:
    """Return the file's variables; none if there is no such file.

    A value in quotes is taken as it stands between them, without escapes; one without quotes ends at ` #`.

    Raises:
        StackError: A line is neither a comment nor KEY=VALUE; the text names it, not what it says.
        RefusedError: The file cannot be closed to other users.
    """
    try:
        text = read_private(path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path} cannot be read: {error}.") from None
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = LINE.fullmatch(stripped)
        if match is None:
            raise StackError(f"{path}, line {number}: KEY=VALUE is wanted.")
        found[match["name"]] = _value(match["value"], path, number)
    return found


def _value(text: str, path: Path, number: int) -> str:
    quoted = QUOTED.fullmatch(text)
    if quoted:
        return quoted["text"]
    if text[:1] in ("'", '"'):
        raise StackError(f"{path}, line {number}: the closing quote is missing (a value is one line).")
    return re.split(r"\s#", text, maxsplit=1)[0].strip()
