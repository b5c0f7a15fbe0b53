"""A font that has Chinese, Japanese and Korean, wherever there is one."""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

VARIABLE = "MODELHUB_FONT"
"""Environment variable that names the font's file, before all others."""

FONT = Path(__file__).resolve().parents[3] / "weights" / "fonts" / "NotoSansCJKtc-Regular.otf"
"""What `make samples` brings to a checkout."""

FOLDERS = (
    Path("/usr/local/share/fonts"),
    Path("/usr/share/fonts"),
    Path(os.path.expanduser("~/.local/share/fonts")),
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
NAMES = (
    "NotoSansCJK*-Regular.*",
    "NotoSansCJK*.*",
    "SourceHanSans*-Regular.*",
    "wqy-microhei*.*",
    "wqy-zenhei*.*",
    "PingFang*.*",
    "STHeiti*.*",
    "msyh.*",
)
"""Fonts with CJK that systems bring, the best first."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=64)
def font(size: int) -> Font:
    """Return a font of `size` pixels; where none has CJK it is Pillow's own, which shows boxes for it.

    Raises OSError where `MODELHUB_FONT` names no font.
    """
    path = font_file()
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


@lru_cache(maxsize=1)
def font_file() -> str | None:
    """Return the file of the font to write with, or None where this machine has none with CJK."""
    return os.environ.get(VARIABLE) or next(_candidates(), None)


def _candidates() -> Iterator[str]:
    if FONT.is_file():
        yield str(FONT)
    files = [file for folder in FOLDERS if os.path.isdir(folder) for file in sorted(folder.rglob("*.*"))]
    yield from (str(file) for name in NAMES for file in files if file.match(name))
