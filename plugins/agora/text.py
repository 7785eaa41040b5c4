"""Text formatting: counts with nouns, and one escaping function per output format for external text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@")
# A spreadsheet that uses another separator may start a new cell at these characters.
CELL = re.compile(r"[;|\t\r\n\v\f]")
# In GitHub's Markdown, underscores inside a word are not markup. Connection names contain such underscores.
MARKDOWN = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])")
INDENT = re.compile(r"(^|[\r\n])[ \t]+")
LINE_START = re.compile(r"((?:^|[\r\n])(?:\d{1,9}(?=[.)]))?)(?=[#+=.):-])")
LINK = re.compile(r":(?=//)|@|www(?=\.)", re.IGNORECASE)


def for_markdown(text: str) -> str:
    """Escape text for a run note, which Airflow renders as Markdown.

    Airflow turns bare URLs into links. A zero-width space inserted into each URL prevents this.
    """
    text = LINK.sub("\\g<0>\u200b", INDENT.sub(r"\1", text))
    return LINE_START.sub(r"\1\\", MARKDOWN.sub(r"\\\g<0>", text))


def for_chat(text: str) -> str:
    """Escape text for a webhook, so that chat services show no mentions, links or images from it.

    Slack's control characters are escaped. Mattermost and Teams interpret `@channel` and Markdown, so a
    zero-width space is inserted into both.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<![^\W_])@(?=\w)|\](?=[(\[:])", "\\g<0>\u200b", text)


def for_spreadsheet(text: str) -> str:
    """Escape text for a CSV file with an apostrophe before anything that looks like a formula.

    This covers full-width and small forms of the formula signs, and signs after blanks or quotes. It also
    covers signs after a semicolon or a tab, where some spreadsheets start a new cell.
    """
    marks = "".join(CELL.findall(text))
    cells = [f"'{cell}" if _is_formula(cell) else cell for cell in CELL.split(text)]
    safe = "".join(part for pair in zip(cells, [*marks, ""], strict=True) for part in pair)
    return f"'{safe}" if text.startswith(("\t", "\r", "\n")) else safe


def _is_formula(cell: str) -> bool:
    visible = (c for c in unicodedata.normalize("NFKC", cell) if unicodedata.category(c)[0] not in "ZC")
    return next((c for c in visible if c != '"'), "") in FORMULA


def format_count(number: int, noun: str) -> str:
    """Format a count with its noun: `1 app-day`, `2 app-days`, `1,234 app-days`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def join_lines(texts: Iterable[str]) -> str:
    """Join texts into lines, without empty or repeated lines."""
    return "\n".join(dict.fromkeys(line for text in texts for line in text.splitlines() if line))
