"""Rewrites the parts of documents that contain the results of a measurement."""

from __future__ import annotations

import re
from pathlib import Path


def rewrite(document: Path, name: str, content: str) -> None:
    """Replace the text between a part's two marks, `<!-- name -->` and `<!-- /name -->`."""
    text = document.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    pattern = re.compile(f"(?<={re.escape(begin)}).*(?={re.escape(end)})", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{document} has no part {begin.strip()} … {end}")
    document.write_text(pattern.sub(lambda _: content, text))
