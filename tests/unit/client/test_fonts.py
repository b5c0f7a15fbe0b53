"""The font that names are written with, and that it has Chinese."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from modelhub.present import annotate, fonts


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    caches = (fonts.font, fonts.font_file)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def some_font() -> bytes:
    """A font's file: the one that Pillow brings."""
    default = ImageFont.load_default(20)
    assert isinstance(default, ImageFont.FreeTypeFont)
    assert isinstance(default.path, io.BytesIO)
    return default.path.getvalue()


def drawn(text: str) -> bytes:
    return bytes(fonts.font(40).getmask(text))


def test_chinese_is_legible() -> None:
    assert fonts.FONT.is_file(), "run: make samples"
    shapes = {drawn(letter) for letter in "货架商品计数鱼かな한글"}
    assert len(shapes) == len("货架商品计数鱼かな한글")  # what a font lacks all looks alike


def test_a_font_that_is_named_goes_before_all(
    tmp_path: Path, some_font: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.ttf").write_bytes(some_font)
    monkeypatch.setenv(fonts.VARIABLE, str(tmp_path / "own.ttf"))
    assert fonts.font_file() == str(tmp_path / "own.ttf")
    assert fonts.font(20).getlength("Ab") == ImageFont.load_default(20).getlength("Ab")


def test_a_named_font_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(fonts.VARIABLE, str(tmp_path / "none.ttf"))
    with pytest.raises(OSError, match="cannot open"):
        fonts.font(20)


def test_without_the_checkouts_font_the_systems_best_is_found(
    tmp_path: Path, some_font: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(fonts.VARIABLE, raising=False)
    monkeypatch.setattr(fonts, "FONT", tmp_path / "no checkout")
    monkeypatch.setattr(fonts, "FOLDERS", (tmp_path / "none", tmp_path / "fonts"))
    deep = tmp_path / "fonts" / "truetype" / "wqy"
    deep.mkdir(parents=True)
    assert fonts.font_file() is None
    fonts.font_file.cache_clear()
    for name in ("DejaVuSans.ttf", "wqy-zenhei.ttc", "wqy-microhei.ttc"):
        (deep / name).write_bytes(some_font)
    assert fonts.font_file() == str(deep / "wqy-microhei.ttc")
    fonts.font_file.cache_clear()
    (tmp_path / "fonts" / "NotoSansCJK-Regular.ttc").write_bytes(some_font)
    assert fonts.font_file() == str(tmp_path / "fonts" / "NotoSansCJK-Regular.ttc")


def test_without_any_names_are_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(fonts.VARIABLE, raising=False)
    monkeypatch.setattr(fonts, "FONT", tmp_path / "no checkout")
    monkeypatch.setattr(fonts, "FOLDERS", ())
    picture = annotate("image_classification", {"class_probs": {"鱼 fish": 1.0}}, Image.new("RGB", (90, 60)))
    assert np.asarray(picture).any()
