"""What a converter returns. Converters run in the conversion environment, one process a net."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
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


Converter = Callable[[Mapping[str, Path]], Conversion]
"""Takes the fetched source files by their base name."""
