"""Converts one net: `python -m export.convert JOB.json`. Runs in the conversion environment."""

import hashlib
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from export.checks import FREE_SIDE, check_graph, opset_of
from export.conversion import Conversion, Converter
from export.hashing import file_sha256
from export.job import MODEL_FILE, Job, load_job
from vision.manifest import MANIFEST_FILE, Manifest, Source, dump_manifest


def convert(job: Job) -> None:
    """Write `model.onnx` and `manifest.json` to the job's destination, after the graph passed its checks."""
    converter: Converter = _function(job.converter)
    with _seeded(job) as seeded:
        conversion: Conversion = converter(job.files | seeded, **job.options)
        sources = (*job.sources, *(_seeded_source(path) for path in seeded.values()))
    settings = msgspec.to_builtins(conversion.settings)
    check_graph(conversion.model, settings.get("size", FREE_SIDE))
    graph = conversion.model.SerializeToString()
    manifest = Manifest(
        net=job.net,
        profile=job.profile,
        sources=sources,
        onnx_sha256=hashlib.sha256(graph).hexdigest(),
        opset=opset_of(conversion.model),
        recipe=job.recipe,
        labels=conversion.labels,
        settings=settings,
        seeded=bool(job.seeds),
    )
    (job.destination / MODEL_FILE).write_bytes(graph)
    (job.destination / MANIFEST_FILE).write_bytes(dump_manifest(manifest))


@contextmanager
def _seeded(job: Job) -> Iterator[dict[str, Path]]:
    """Write the files of random weights that the job asks for, and give where they lie."""
    with tempfile.TemporaryDirectory(dir=job.destination.parent) as folder:
        paths = {name: Path(folder, name) for name in job.seeds}
        for name, path in paths.items():
            _function(job.seeds[name])(path)
        yield paths


def _seeded_source(path: Path) -> Source:
    return Source("seeded", "", path.name, file_sha256(path), "none: random numbers")


def _function(name: str) -> Any:  # noqa: ANN401 - what the catalogue names
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


if __name__ == "__main__":
    convert(load_job(Path(sys.argv[1])))
