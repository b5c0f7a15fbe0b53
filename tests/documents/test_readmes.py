"""The README in Chinese says what the one in English says, and both say what measured.md says."""

import re
from collections import Counter

import pytest

from documents.__main__ import MEASURED
from embedded.paths import ROOT
from tests.documents.blocks import blocks

ENGLISH = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh.md").read_text()
BOTH = {"README.md": ENGLISH, "README.zh.md": CHINESE}
MOST_LINES = 160
"""Short enough to read."""
ROUND = {"2", "3", "10", "100"}
"""Numbers too common to say that they stand elsewhere."""

_HAN = re.compile(r"[\u4e00-\u9fff]")


def prose(page: str) -> str:
    """Return a page without its fenced blocks and comments."""
    return re.sub(r"```.*?```|<!--.*?-->", "", page, flags=re.DOTALL)


def links(page: str) -> list[str]:
    targets: list[str] = re.findall(r"\]\(([^)]+)\)", page)
    return sorted(target for target in targets if target not in BOTH)


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"\]\([^)]+\)", "]", text)))


def tables(page: str) -> list[list[Counter[str]]]:
    """Return the numbers of each row of each table."""
    found = re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE)
    return [[numbers(row) for row in table.splitlines()] for table in found]


def headings(page: str) -> list[str]:
    return [line.split()[0] for line in prose(page).splitlines() if line.startswith("#")]


def test_headings_are_as_many() -> None:
    assert headings(CHINESE) == headings(ENGLISH)
    assert len(headings(ENGLISH)) >= 6


def test_blocks_are_the_same() -> None:
    english, chinese = (
        [(block.language, block.text, block.mark, block.argument) for block in blocks(name, page)]
        for name, page in BOTH.items()
    )
    assert chinese == english


def test_links_and_pictures_are_the_same() -> None:
    assert links(CHINESE) == links(ENGLISH)


def test_tables_have_the_same_numbers_row_by_row() -> None:
    assert tables(CHINESE) == tables(ENGLISH)


def test_code_in_the_text_is_the_same() -> None:
    english, chinese = (set(re.findall(r"`[^`\n]+`", prose(page))) for page in (ENGLISH, CHINESE))
    assert chinese == english


def test_each_is_in_its_language_and_leads_to_the_other() -> None:
    assert len(_HAN.findall(prose(ENGLISH))) == len("中文")
    assert len(_HAN.findall(prose(CHINESE))) > len(CHINESE) / 8
    assert "](README.zh.md)" in ENGLISH
    assert "](README.md)" in CHINESE


@pytest.mark.parametrize("page", BOTH)
def test_they_are_short(page: str) -> None:
    assert len(BOTH[page].splitlines()) <= MOST_LINES


def test_figures_are_those_that_were_measured() -> None:
    measured = MEASURED.read_text()
    (table,) = re.findall(r"## Figures\n[^|]*((?:\|[^\n]*\|\n)+)", ENGLISH)
    rows = [line.split("|")[2] for line in table.splitlines()[2:]]
    told = {number for row in rows for number in numbers(row)} - ROUND
    assert len(told) >= 10
    assert told <= set(numbers(measured))


def test_a_change_of_one_alone_is_seen() -> None:
    changed = CHINESE.replace("0.880", "0.881", 1)
    assert changed != CHINESE
    assert tables(changed) != tables(ENGLISH)
    assert links(CHINESE.replace("docs/api.md", "docs/apis.md")) != links(ENGLISH)
