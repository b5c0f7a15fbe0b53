"""The shapes that a plan takes: from the net's config, and for free dimensions from its manifest's settings.

TensorRT allots memory for the largest shape of every optimisation profile, so a profile's box of shapes
should be little larger than what the pipeline can send. Triton chooses the profile of a request by its shape.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tritonclient.grpc.model_config_pb2 import ModelConfig

from export.tensorrt.errors import PlanError
from export.tensorrt.plan import ProfileShapes, Shapes
from vision.manifest import Manifest
from vision.ocr.settings import DetectionSettings, RecognitionSettings
from vision.shelf_counting import ShelfClassificationSettings
from vision.shelf_detection import ShelfDetectionSettings

Sides = tuple[int, ...]
"""Values for the free dimensions of a net's only input, in their order."""
Range = tuple[Sides, Sides, Sides]
"""The least, those to tune for, the most."""


@dataclass(frozen=True)
class FreeSides:
    """How many profiles a net with free dimensions has, and their ranges."""

    count: int
    ranges: Callable[[Manifest], tuple[Range, ...]]
    single: bool = False
    """Whether rows of one shape are seldom met together: the plan is then tuned for one."""


def text_map_ranges(manifest: Manifest) -> tuple[Range, ...]:
    """Return the detector's heights and widths: up to about the working picture's, or one side far longer.

    `vision.ocr.working` enlarges a picture until its shorter side is `map_min_side`, unless the longer one
    would exceed `map_max_side`: a map longer than a working picture is at most `map_min_side` narrow.
    """
    settings = manifest.typed_settings(DetectionSettings)
    least, short, long = settings.size_multiple, settings.map_min_side, settings.map_max_side
    large = -(-settings.working_max_side // least) * least
    wide: Range = ((least, short), (short, long // 2), (short, long))
    return (
        ((least, least), (short, short), (large, large)),
        wide,
        (wide[0][::-1], wide[1][::-1], wide[2][::-1]),
    )


def line_ranges(manifest: Manifest) -> tuple[Range, ...]:
    """Return the recogniser's widths; the optimum is what fills a batch of lines."""
    settings = manifest.typed_settings(RecognitionSettings)
    common = max(settings.min_width, settings.max_columns // settings.max_lines)
    return (((settings.min_width,), (common,), (settings.max_width,)),)


def _square(size: int) -> tuple[Range, ...]:
    return (((size, size), (size, size), (size, size)),)


FREE_SIDES: Mapping[str, FreeSides] = {
    "ocr_detection_net": FreeSides(3, text_map_ranges, single=True),
    "ocr_recognition_net": FreeSides(1, line_ranges),
    "shelf_counting_detection_net": FreeSides(
        1, lambda manifest: _square(manifest.typed_settings(ShelfDetectionSettings).size)
    ),
    "shelf_counting_classification_net": FreeSides(
        1, lambda manifest: _square(manifest.typed_settings(ShelfClassificationSettings).size)
    ),
}
"""Every net whose config leaves dimensions of its input open."""


def profile_count(config: ModelConfig) -> int:
    """Return how many optimisation profiles a net's plan has; needs no manifest."""
    return FREE_SIDES[config.name].count if _is_free(config) else 1


def profiles_of(config: ModelConfig, manifest: Manifest) -> tuple[ProfileShapes, ...]:
    """Return the optimisation profiles of a net: batches of 1 to `max_batch_size`.

    Raises PlanError for a net with free dimensions that `FREE_SIDES` does not know.
    """
    if not _is_free(config):
        return ({entry.name: _shapes(config, tuple(entry.dims), None) for entry in config.input},)
    if config.name not in FREE_SIDES or len(config.input) != 1:
        raise PlanError(f"{config.name}: its config leaves dimensions open; say their range in {__name__}")
    (entry,) = config.input
    ranges = FREE_SIDES[config.name].ranges(manifest)
    return tuple({entry.name: _shapes(config, tuple(entry.dims), one)} for one in ranges)


def _is_free(config: ModelConfig) -> bool:
    return any(dim < 0 for entry in config.input for dim in entry.dims)


def _shapes(config: ModelConfig, dims: tuple[int, ...], sides: Range | None) -> Shapes:
    minimum, optimum, maximum = (_filled(dims, chosen) for chosen in sides or ((), (), ()))
    single = config.name in FREE_SIDES and FREE_SIDES[config.name].single
    most = config.max_batch_size
    return Shapes((1, *minimum), (1 if single else most, *optimum), (most, *maximum))


def _filled(dims: tuple[int, ...], sides: Sides) -> Iterator[int]:
    """Yield `dims` with `sides` in place of the open ones."""
    values = iter(sides)
    return (dim if dim >= 0 else next(values) for dim in dims)
