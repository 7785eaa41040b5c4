"""Text for people: counts with their nouns, and one escaping function per outlet for text from outside."""

from __future__ import annotations

import re
import unicodedata

FORMULA = ("=", "+", "-", "@")
# At these signs a spreadsheet may begin another cell, where it opens the file with another separator.
CELL = re.compile(r"[;|\t\r\n\v\f]")
# Underscores within a word, as in names of connections, are no markup in GitHub's Markdown.
MARKDOWN = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])")
INDENT = re.compile(r"(^|[\r\n])[ \t]+")
LINE_START = re.compile(r"((?:^|[\r\n])(?:\d{1,9}(?=[.)]))?)(?=[#+=.):-])")
LINK = re.compile(r":(?=//)|@|www(?=\.)", re.IGNORECASE)


def for_markdown(text: str) -> str:
    """Return text for a run note, which Airflow shows as Markdown: no image, link, HTML, block or emphasis.

    Airflow makes links of bare addresses: an invisible character breaks these up.
    """
    text = LINK.sub("\\g<0>\u200b", INDENT.sub(r"\1", text))
    return LINE_START.sub(r"\1\\", MARKDOWN.sub(r"\\\g<0>", text))


def for_chat(text: str) -> str:
    """Return text for a webhook: no control sequence of Slack's, no mention, and no link or image elsewhere.

    Mattermost and Teams read `@channel` and Markdown: an invisible character breaks these up.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<![^\W_])@(?=\w)|\](?=[(\[:])", "\\g<0>\u200b", text)


def for_spreadsheet(text: str) -> str:
    """Return text for a CSV file, with an apostrophe before what a spreadsheet may take for a formula.

    Blanks and quotes before the sign and its full-width and small forms count, too, and so does a sign behind
    a semicolon or a tab, at which some spreadsheets begin a cell.
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
