"""External text stays plain text in run notes, chat messages and spreadsheets."""

from __future__ import annotations

import csv
import html
import io
import re
import unicodedata

import pytest
from markdown_it import MarkdownIt

from agora.text import for_chat, for_markdown, for_spreadsheet

pytestmark = pytest.mark.unit

IMAGE = "![x](https://evil.example/i.png)"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (IMAGE, "!\\[x\\](https:\u200b//evil.example/i.png)"),
        ("![x][r]\n[r]: https://evil.example", "!\\[x\\]\\[r\\]\n\\[r\\]: https:\u200b//evil.example"),
        ("<img src=x>", r"\<img src=x\>"),
        ("&lt;img&gt; `code` **bold** _it_ __b__", r"\&lt;img\&gt; \`code\` \*\*bold\*\* \_it\_ \_\_b\_\_"),
        ("\\![x](y)", r"\\!\[x\](y)"),
        ("# a\n- b\n= c", "\\# a\n\\- b\n\\= c"),
        ("Fix agora_dashboard. See docs/runbook.md#app-refused", None),
        ("2 apps failed: classroom-02 (HTTP 500).", None),
    ],
)
def test_a_run_note_has_no_markup(text: str, note: str | None) -> None:
    assert for_markdown(text) == (note or text)


BLOCKS = [
    "# h",
    "- x",
    "+ x",
    "* x",
    "1. x",
    "12) x",
    "> x",
    "===",
    "---",
    "***",
    "___",
    "```",
    "~~~",
    ":-",
    "|-|",
    "\tx",
]
INLINE = [
    IMAGE,
    "<img src=x>",
    "&lt;b&gt;",
    "**b**",
    "_@i_",
    "`c`",
    "~~s~~",
    "[x][y]",
    "<http://e.example>",
    "\\",
]


@pytest.mark.parametrize("before", ["", "a\n", "a\r", "a\r\n", "a\n\n", "a\n \n", "- - "])
@pytest.mark.parametrize("text", [*BLOCKS, *INLINE])
def test_a_run_note_is_rendered_as_plain_paragraphs(before: str, text: str) -> None:
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for indent in ("", " ", "   ", "    ", "\t", " \t "):
        given = f"{before}{indent}{text}"
        shown = markdown.render(for_markdown(given))
        assert set(re.findall("<(/?[^> ]*)", shown)) <= {"p", "/p"}, shown
        words = html.unescape(re.sub("<[^>]*>", "", shown)).replace("\u200b", "").split()
        assert words == given.split()


# Text that remark-gfm, which renders notes in Airflow, turns into a link.
GFM_LINK = re.compile(r"https?://[-.\w]|www\.[-.\w]|[-.\w+]+@[-\w]+\.[-\w]", re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example",
        "HTTP://evil.example",
        "(http://evil.example)",
        "www.evil.example",
        "x_WWW.evil.example",
        "mailto:a@evil.example",
        "xmpp:a@evil.example/x",
        "http://http://evil.example@www.evil.example",
    ],
)
def test_a_run_note_has_no_bare_link(text: str) -> None:
    assert GFM_LINK.search(text)
    assert not GFM_LINK.search(for_markdown(text))
    assert for_markdown(text).replace("\u200b", "").replace("\\", "") == text


@pytest.mark.parametrize(
    ("text", "chat"),
    [
        ("<!channel> <@U1> <https://evil.example|click> a&b", None),
        ("&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;"),
        ("@channel, @here (@all)", "@\u200bchannel, @\u200bhere (@\u200ball)"),
        ("_@channel_ *@all* __@here__", "_@\u200bchannel_ *@\u200ball* __@\u200bhere__"),
        (IMAGE, "![x]\u200b(https://evil.example/i.png)"),
        ("![x]\n[x]: https://evil.example/i.png", "![x]\n[x]\u200b: https://evil.example/i.png"),
        ("mail ops@example.com", "mail ops@example.com"),
    ],
)
def test_a_chat_message_has_no_mention_link_or_image(text: str, chat: str | None) -> None:
    assert "<" not in for_chat(text)
    assert ">" not in for_chat(text)
    assert chat in (None, for_chat(text))


BLANKS = ["", " ", "\t", "\r", "\n", "\u00a0", "\u3000", "\ufeff", "\u200b", " \t ", '"', ' "']
SIGNS = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫"]
PREFIXES = ["", "Shop;", "Shop\t", "Shop|", "Shop\n", "Shop\r", 'a";', "a;;", "=1;"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("sign", SIGNS)
def test_a_spreadsheet_cell_is_never_a_formula(blank: str, sign: str) -> None:
    for text in (f"{before}{blank}{sign}1+1" for before in PREFIXES):
        file = io.StringIO()
        csv.writer(file).writerow(["2026-11", for_spreadsheet(text), "final"])
        for separator in ",;\t|":
            rows = csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=separator)
            cells = [unicodedata.normalize("NFKC", cell) for row in rows for cell in row]
            cells = [cell.strip(' "\t\r\n\ufeff\u200b') for cell in cells]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], (text, separator)
        assert for_spreadsheet(text).replace("'", "") == text


@pytest.mark.parametrize("text", ["", "Lobby", "a=b", " a-b", "超-1", "(=1)", "Lobby; 2 | 3", "a;b=c"])
def test_a_name_that_is_not_a_formula_is_unchanged(text: str) -> None:
    assert for_spreadsheet(text) == text
