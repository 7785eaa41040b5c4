"""Text for people: counts with their nouns, and one escaping function per outlet for text from outside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@")
# A spreadsheet that opens the file with another separator may begin a cell at these characters.
CELL = re.compile(r"[;|\t\r\n\v\f]")
# In GitHub's Markdown, underscores within a word, as in names of connections, are not markup.
MARKDOWN = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])")
INDENT = re.compile(r"(^|[\r\n])[ \t]+")
LINE_START = re.compile(r"((?:^|[\r\n])(?:\d{1,9}(?=[.)]))?)(?=[#+=.):-])")
LINK = re.compile(r":(?=//)|@|www(?=\.)", re.IGNORECASE)


def for_markdown(text: str) -> str:
    """Return text for a run note, which Airflow renders as Markdown, without any markup.

    Airflow turns bare URLs into links, so an invisible character breaks them up.
    """
    text = LINK.sub("\\g<0>\u200b", INDENT.sub(r"\1", text))
    return LINE_START.sub(r"\1\\", MARKDOWN.sub(r"\\\g<0>", text))


def for_chat(text: str) -> str:
    """Return text for a webhook, without control sequences of Slack, mentions, links or images.

    Mattermost and Teams interpret `@channel` and Markdown, so an invisible character breaks these up.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<![^\W_])@(?=\w)|\](?=[(\[:])", "\\g<0>\u200b", text)


def for_spreadsheet(text: str) -> str:
    """Return text for a CSV file, with an apostrophe before anything like a formula.

    This includes full-width and small forms of the sign, signs after blanks and quotes, and signs after a
    semicolon or a tab, at which some spreadsheets begin a cell.
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
    """Join texts, each line once."""
    return "\n".join(dict.fromkeys(line for text in texts for line in text.splitlines() if line))
