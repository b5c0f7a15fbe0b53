"""What a converter returns. Converters run in the conversion environment, one process a net."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Conversion:
    """A converted net: its graph (named tensors, uint8 NHWC in), its labels in class order, its settings."""

    model: "onnx.ModelProto"
    settings: msgspec.Struct
    labels: tuple[str, ...] = ()


Converter = Callable[..., Conversion]
"""Takes the source files by name, `Mapping[str, Path]`, and what the user chose as keyword arguments."""
