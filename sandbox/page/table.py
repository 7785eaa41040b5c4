"""A table of the page."""

from __future__ import annotations


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Builds a table; a cell that begins with # is a number."""
    head = "".join(_cell("th", text) for text in heads)
    body = "".join(f"<tr>{''.join(_cell('td', text) for text in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(tag: str, text: str) -> str:
    return f'<{tag} class="number">{text[1:]}</{tag}>' if text.startswith("#") else f"<{tag}>{text}</{tag}>"
