"""The map to 0..100, what pixels alone tell, and the stages round the net."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from modelhub_pictures.errors import NotAnImage
from tests.hazards import encode, scene
from tests.unit.vision.stages import manifest, payload
from vision.comparison import Differences
from vision.similarity import (
    SimilarityPostprocess,
    SimilarityPreprocess,
    SimilaritySettings,
    same_pixels,
    similarity,
    unlikeness,
)
from vision.tensors import Tensors

NET = manifest(SimilaritySettings(size=160, same_picture_distance=0.9, fitted_on="nothing"))
LIKE = np.zeros(len(Differences._fields), dtype=np.float32)


@pytest.mark.parametrize(("unlike", "expected"), [(0, 99.9), (0.5, 90), (1, 80), (2, 40), (1e6, 0)])
def test_the_scale_is_the_contracts(unlike: float, expected: float) -> None:
    assert similarity(unlike) == pytest.approx(expected, abs=1e-3)


@given(st.floats(0, 10), st.floats(0, 10))
def test_what_is_more_unlike_is_never_more_similar(one: float, other: float) -> None:
    near, far = sorted((one, other))
    assert 0 <= similarity(far) <= similarity(near) < 100
    assert (similarity(far) < 80) == (far > 1)


def test_both_pictures_are_one_batch_in_order() -> None:
    first, second = encode(scene(), "PNG"), encode(scene().rotate(180), "PNG")
    pixels = compared(first, second)["pixels"]
    assert pixels.shape == (2, 160, 160, 3)
    assert (pixels[::-1] == compared(second, first)["pixels"]).all()


def test_either_bad_picture_raises_its_error() -> None:
    good, bad = payload(encode(scene(), "PNG")), payload(b"\x00\x01")
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(NotAnImage):
            SimilarityPreprocess(NET)(*pair)


def test_the_same_pixels_give_100_whatever_their_files() -> None:
    photo = encode(scene().resize((1300, 1000)), "JPEG", quality=90)
    decoded = Image.open(io.BytesIO(photo))
    for same in (photo, photo + b"\x00", encode(decoded, "PNG"), encode(decoded, "BMP")):
        assert compared(photo, same)["same_pixels"].tolist() == [True]
    changed = decoded.copy()
    changed.putpixel((700, 900), (1, 2, 3))
    for other in (encode(changed, "PNG"), encode(decoded, "JPEG", quality=95), encode(scene(), "PNG")):
        assert compared(photo, other)["same_pixels"].tolist() == [False]
    assert not same_pixels(encode(scene(), "PNG"), encode(scene().rotate(90, expand=True), "PNG"))


def test_a_picture_is_seen_to_its_edges() -> None:
    wide = Image.new("RGB", (1800, 400), "white")
    for left in (0, 1500):
        other = wide.copy()
        other.paste("darkred", (left, 0, left + 300, 400))
        assert not_the_same(wide, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("white", "black"), ("red", "blue"), ("lime", "orange"), ((90, 90, 90), (250, 250, 250))],
)
def test_other_colours_are_other_pictures(one: str, other: str) -> None:
    assert not_the_same(Image.new("RGB", (300, 200), one), Image.new("RGB", (300, 200), other))
    assert not_the_same(product(one), product(other))


def test_pages_of_other_words_are_other_pictures() -> None:
    assert not_the_same(page(1), page(2))


@pytest.mark.parametrize("picture", [scene().resize((500, 380)), "page", "product"])
def test_copies_that_are_cut_reduced_or_brighter_differ_by_little(picture: Image.Image | str) -> None:
    original = {"page": page(1), "product": product("red")}.get(str(picture)) or picture
    assert isinstance(original, Image.Image)
    width, height = original.size
    for copy in (
        original.crop((width // 20, 0, width, height - height // 12)),
        original.resize((width // 3, height // 3)),
        original.point(lambda level: int(level * 0.75)),
        Image.open(io.BytesIO(encode(original, "JPEG", quality=30))),
    ):
        assert pixels_differ_by(original, copy) < 0.9


def test_the_answer_is_distance_and_similarity() -> None:
    features = np.zeros((2, 8), dtype=np.float32)
    features[0, 0] = features[1, 1] = 1
    post, other, same = SimilarityPostprocess(NET), np.array([False]), np.array([True])
    answer = post(features, LIKE, other)
    assert answer["l2_distance"].tolist() == pytest.approx([2**0.5])
    assert answer["similarity"].tolist() == pytest.approx(
        [similarity(unlikeness(2**0.5 / 0.9, Differences(*LIKE)))]
    )
    one_net = post(features[[0, 0]], LIKE, other)
    assert one_net["similarity"].item() < 100
    assert one_net["l2_distance"].item() > 0
    exact = post(features[[0, 0]], LIKE, same)
    assert exact["similarity"].tolist() == [100.0]
    assert exact["l2_distance"].tolist() == [0.0]


def compared(one: bytes, other: bytes) -> Tensors:
    """Return what the first stage makes of two files."""
    return SimilarityPreprocess(NET)(payload(one), payload(other))


def pixels_differ_by(one: Image.Image, other: Image.Image) -> float:
    """Return the part of the sum that pixels decide; the same forth and back."""
    forth, back = (
        compared(encode(a, "PNG"), encode(b, "PNG"))["differences"] for a, b in ((one, other), (other, one))
    )
    assert forth.tolist() == back.tolist()
    return unlikeness(0, Differences(*forth.tolist()))


def not_the_same(one: Image.Image, other: Image.Image) -> bool:
    """Tell whether pixels alone decide against two pictures, whatever a net says."""
    return pixels_differ_by(one, other) > 1


def page(seed: int) -> Image.Image:
    """Return forty lines of words, as blocks."""
    rng, picture = np.random.default_rng(seed), Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(picture)
    for top in range(40, 760, 18):
        left = 40
        while left < 520:
            reach = int(rng.integers(8, 60))
            draw.rectangle((left, top, left + reach, top + 9), "black")
            left += reach + 6
    return picture


def product(colour: str) -> Image.Image:
    """Return a bottle on white."""
    picture = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((150, 80, 250, 360), 20, colour)
    draw.rectangle((150, 180, 250, 260), "gray")
    return picture
