from pathlib import Path

import pytest

from export.errors import UnfitCheckpoint
from export.own.labels import read_labels


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "products.txt"


@pytest.mark.parametrize(
    "content",
    ["可乐\ntea 500 ml\n", "可乐\r\ntea 500 ml\r\n\r\n", "\ufeff可乐\n  tea 500 ml  "],
)
def test_names_are_the_lines_in_order(file: Path, content: str) -> None:
    file.write_bytes(content.encode())
    assert read_labels(file, 2) == ("可乐", "tea 500 ml")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a\nb\n", "2 names, but the classifier has 3 classes"),
        (b"a\nb\nc\nd\n", "4 names, but the classifier has 3 classes"),
        (b"", "0 names, but the classifier has 3 classes"),
        (b"a\n\nc\n", "line 2 is empty"),
        (b"a\nb\na\n", "line 3 repeats 'a'"),
        (b"\xff\xfea\x00", "not UTF-8 text"),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UnfitCheckpoint, match=rf"^products\.txt: {told}") as caught:
        read_labels(file, 3)
    assert "\n" not in str(caught.value)
