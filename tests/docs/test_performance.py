"""docs/performance.md names the locked versions, and every command that it names exists."""

from __future__ import annotations

import re

from tests.bench.__main__ import PARTS
from tests.bench.machine import COMPETITORS
from tests.support.paths import ROOT

PAGE = " ".join((ROOT / "docs" / "performance.md").read_text("utf-8").split())


def test_the_competitors_have_their_locked_versions() -> None:
    lock = (ROOT / "requirements/competitors.txt").read_text("utf-8")
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", lock, re.MULTILINE))
    named = dict(
        re.findall(r"([\w-]+) (\d[\d.]*\d)[,.]", PAGE.partition("Competitors: ")[2].partition("<!--")[0])
    )
    assert named == {name: locked[name] for name in COMPETITORS}


def test_every_named_part_can_be_measured() -> None:
    named = set(re.findall(r"PARTS=\"?([a-z_ ]+)", PAGE))
    assert named
    assert {part for parts in named for part in parts.split()} <= set(PARTS)
