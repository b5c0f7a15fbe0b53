from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import onnx
import pytest

from export.conversion import Conversion

Seeds = Mapping[str, Callable[[Path], None]]
"""What writes a file of random weights, by the file's published name."""

Published = Callable[[Seeds], dict[str, Path]]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Writes files and says where they are; they are large, and pytest would keep those of three runs."""
    paths: list[Path] = []

    def write(seeds: Seeds) -> dict[str, Path]:
        folder = tmp_path_factory.mktemp("published")
        written = {name: folder / name for name in seeds}
        for name, seed in seeds.items():
            seed(written[name])
        paths.extend(written.values())
        return written

    yield write
    for path in paths:
        path.unlink()


@pytest.fixture(scope="module")
def model(conversion: Conversion) -> onnx.ModelProto:
    """The graph of the module's own `conversion`."""
    return conversion.model
