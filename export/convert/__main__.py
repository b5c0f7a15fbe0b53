"""Converts one net: `python -m export.convert JOB.json`. Runs in the conversion environment."""

import hashlib
import importlib
import sys
from pathlib import Path
from typing import cast

import msgspec

from export.checks import FREE_SIDE, check_graph, opset_of
from export.conversion import Converter
from export.job import MODEL_FILE, Job, load_job
from vision.manifest import MANIFEST_FILE, Manifest, dump_manifest


def convert(job: Job) -> None:
    """Write `model.onnx` and `manifest.json` to the job's destination, after the graph passed its checks."""
    conversion = _converter(job.converter)(job.files, **job.options)
    settings = msgspec.to_builtins(conversion.settings)
    check_graph(conversion.model, settings.get("size", FREE_SIDE))
    graph = conversion.model.SerializeToString()
    manifest = Manifest(
        net=job.net,
        profile=job.profile,
        sources=job.sources,
        onnx_sha256=hashlib.sha256(graph).hexdigest(),
        opset=opset_of(conversion.model),
        recipe=job.recipe,
        labels=conversion.labels,
        settings=settings,
    )
    (job.destination / MODEL_FILE).write_bytes(graph)
    (job.destination / MANIFEST_FILE).write_bytes(dump_manifest(manifest))


def _converter(name: str) -> Converter:
    module, function = name.split(":")
    return cast(Converter, getattr(importlib.import_module(module), function))


if __name__ == "__main__":
    convert(load_job(Path(sys.argv[1])))
