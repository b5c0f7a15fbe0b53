import pytest
from PIL import Image, ImageDraw

from vision.ocr.ground import contrasting_ground


def letters(*inks: str) -> Image.Image:
    """Bars of each ink, side by side on a transparent ground."""
    layer = Image.new("RGBA", (40 * len(inks), 40))
    for index, ink in enumerate(inks):
        ImageDraw.Draw(layer).rectangle((40 * index + 10, 10, 40 * index + 20, 30), ink)
    return layer


@pytest.mark.parametrize(
    ("inks", "ground"),
    [
        (("black",), 255),
        (("white",), 0),
        (("yellow",), 0),
        (("gray",), 255),
        (("black", "white"), 128),
        (("black", "black", "red"), 255),
    ],
)
def test_letters_are_laid_on_what_they_can_be_seen_on(inks: tuple[str, ...], ground: int) -> None:
    assert contrasting_ground(letters(*inks)) == ground


def test_a_photograph_above_a_white_caption_does_not_hide_it() -> None:
    layer = Image.new("RGBA", (200, 200))
    layer.paste("navy", (0, 0, 200, 120))
    for left in range(10, 190, 12):
        ImageDraw.Draw(layer).rectangle((left, 140, left + 5, 180), "white")
    assert contrasting_ground(layer) != 255


@pytest.mark.parametrize("alpha", [0, 255])
def test_what_has_no_outline_is_laid_on_white(alpha: int) -> None:
    assert contrasting_ground(Image.new("RGBA", (9, 9), (7, 7, 7, alpha))) == 255
