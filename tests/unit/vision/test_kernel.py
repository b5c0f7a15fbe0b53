"""The resampling kernel belongs to the net: a square is resampled as the net's maker did it."""

import msgspec
import numpy as np
import pytest
from PIL import Image

from tests.hazards import encode
from tests.unit.vision.stages import manifest, payload
from vision.classification import ClassificationPreprocess, ClassificationSettings, central_square
from vision.similarity import SimilarityPreprocess, SimilaritySettings, squeezed

SIZE, SHORT_SIDE = 224, 232
FRACTION = SIZE / SHORT_SIDE


def photo() -> Image.Image:
    """Smooth and sharp at once, so that kernels differ."""
    coarse = np.random.default_rng(3).integers(0, 256, (58, 87, 3), np.uint8)
    return Image.fromarray(coarse).resize((696, 464), Image.Resampling.BOX)


def as_torchvision_does(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The shorter side made 232 pixels, antialiased bilinear, then the central 224."""
    width = round(image.width * SHORT_SIDE / image.height)
    left, top = (width - SIZE) // 2, (SHORT_SIDE - SIZE) // 2
    reduced = image.resize((width, SHORT_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(reduced.crop((left, top, left + SIZE, top + SIZE)))


def test_bilinear_is_what_torchvisions_nets_were_fed() -> None:
    theirs = as_torchvision_does(photo()).astype(int)
    ours, other = (
        central_square(photo(), SIZE, FRACTION, kernel).astype(int) for kernel in ("bilinear", "bicubic")
    )
    inner = slice(1, -1)  # at the rim they average a pixel that lies outside the square
    assert np.abs(ours - theirs)[inner, inner].max() <= 1
    assert np.abs(other - theirs)[inner, inner].max() > 10


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_the_stages_use_their_nets_kernel(kernel: str) -> None:
    file = encode(photo(), "PNG")
    settings = msgspec.convert(
        {"size": SIZE, "central_fraction": FRACTION, "kernel": kernel}, ClassificationSettings
    )
    expected = central_square(photo(), SIZE, FRACTION, settings.kernel)
    images = payload(file)[None]
    assert (ClassificationPreprocess(manifest(settings))(images)["pixels"][0] == expected).all()
    compared = SimilarityPreprocess(manifest(SimilaritySettings(SIZE, 0.9, "nothing", settings.kernel)))
    assert (
        compared(payload(file), payload(file))["pixels"] == squeezed(photo(), SIZE, settings.kernel)
    ).all()


def test_a_manifest_that_names_none_was_made_for_bicubic() -> None:
    told = manifest(ClassificationSettings(SIZE, FRACTION))
    del told.settings["kernel"]
    assert told.typed_settings(ClassificationSettings).kernel == "bicubic"


def test_an_unknown_kernel_is_refused() -> None:
    told = manifest(ClassificationSettings(SIZE, FRACTION))
    told.settings["kernel"] = "nearest"
    with pytest.raises(msgspec.ValidationError, match="kernel"):
        told.typed_settings(ClassificationSettings)
