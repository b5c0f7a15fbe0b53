"""Optimisation profiles: every shape that a pipeline can send lies in one of them."""

from collections.abc import Iterator

import msgspec
import pytest
from google.protobuf import text_format
from hypothesis import example, given
from hypothesis import strategies as st
from tritonclient.grpc.model_config_pb2 import ModelConfig

from export.convert.ocr_settings import DETECTION, RECOGNITION
from export.paths import PROJECT
from export.tensorrt.errors import PlanError
from export.tensorrt.plan import ProfileShapes, Shapes
from export.tensorrt.shapes import FREE_SIDES, profile_count, profiles_of
from tests.repository.test_configs import CONFIGS
from vision.manifest import Manifest, load_manifest
from vision.ocr.recognition import batches
from vision.ocr.working import band_height, map_size, working_size


def manifest(net: str, settings: msgspec.Struct) -> Manifest:
    return Manifest(net, "lite", (), "", 17, "", settings=msgspec.to_builtins(settings))


def takes(profiles: tuple[ProfileShapes, ...], shape: tuple[int, ...]) -> bool:
    return any(
        all(least <= side <= most for side, least, most in zip(shape, one.minimum, one.maximum, strict=True))
        for profile in profiles
        for one in profile.values()
    )


MAP_PROFILES = profiles_of(CONFIGS["ocr_detection_net"], manifest("ocr_detection_net", DETECTION))
LINE_PROFILES = profiles_of(CONFIGS["ocr_recognition_net"], manifest("ocr_recognition_net", RECOGNITION))
SIDE = st.integers(1, 60) | st.integers(1, 3000) | st.integers(1, 60_000)


@given(height=SIDE, width=SIDE)
@example(height=1, width=60_000)
@example(height=60_000, width=1)
@example(height=2000, width=2000)
@example(height=735, width=2000)
@example(height=31, width=1999)
def test_the_detector_takes_the_map_of_any_picture(height: int, width: int) -> None:
    working_height, working_width = working_size(height, width, DETECTION)
    working_height += 2 * band_height(working_height, working_width, DETECTION)
    sides = map_size(working_height, working_width, DETECTION)
    assert takes(MAP_PROFILES, (1, *sides, 3))


def test_the_detector_takes_the_largest_tile() -> None:
    side = DETECTION.tile_side + 3 * DETECTION.tile_margin + DETECTION.size_multiple - 1
    assert takes(MAP_PROFILES, (1, side, side, 3))


@given(widths=st.lists(st.integers(1, RECOGNITION.max_width), max_size=80))
def test_the_recogniser_takes_every_batch_of_lines(widths: list[int]) -> None:
    for width, members in batches(widths, RECOGNITION):
        assert takes(LINE_PROFILES, (len(members), RECOGNITION.height, width, 3))


@pytest.mark.parametrize("net", [name for name in CONFIGS if name.endswith("_net")])
def test_profiles_are_batches_of_one_to_the_configs_most(net: str) -> None:
    config = CONFIGS[net]
    profiles = profiles_of(config, load_manifest(PROJECT / "model_repository" / net / "1" / "manifest.json"))
    assert len(profiles) == profile_count(config)
    for one in each(profiles):
        assert one.minimum[0] == 1
        assert one.maximum[0] == config.max_batch_size
        assert all(
            0 < least <= best <= most
            for least, best, most in zip(one.minimum, one.optimum, one.maximum, strict=True)
        )
    for entry in config.input:
        for profile in profiles:
            sides = zip(entry.dims, profile[entry.name].maximum[1:], strict=True)
            assert all(dim in (-1, side) for dim, side in sides)


def each(profiles: tuple[ProfileShapes, ...]) -> Iterator[Shapes]:
    return (one for profile in profiles for one in profile.values())


def test_a_users_own_side_is_the_plans() -> None:
    net = "shelf_counting_detection_net"
    own = load_manifest(PROJECT / "model_repository" / net / "1" / "manifest.json")
    own = msgspec.structs.replace(own, settings=own.settings | {"size": 1280})
    (profile,) = profiles_of(CONFIGS[net], own)
    assert profile["pixels"].minimum == (1, 1280, 1280, 3)
    assert profile["pixels"].maximum[1:] == (1280, 1280, 3)


def test_free_dimensions_that_nobody_described_are_refused() -> None:
    config = text_format.Parse(
        'name: "new_net" max_batch_size: 4 input { name: "x" dims: [ -1, 3 ] }', ModelConfig()
    )
    with pytest.raises(PlanError, match="new_net: its config leaves dimensions open"):
        profiles_of(config, manifest("new_net", DETECTION))


def test_no_fixed_net_is_described_as_free() -> None:
    for net in FREE_SIDES:
        assert any(dim < 0 for entry in CONFIGS[net].input for dim in entry.dims)
