"""Converts nets in the conversion environment.

`python -m export.convert JOB.json FOLDER` converts one by hand, into an existing folder.
`python -m export.convert FRAMEWORK` serves the exporter (`export/worker.py`).
"""

import contextlib
import hashlib
import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from export.checks import FREE_SIDE, check_graph, opset_of
from export.conversion import Conversion, Converter
from export.hashing import file_sha256
from export.job import Job, load_job
from vision.manifest import MANIFEST_FILE, ONNX_FILE, Manifest, Source, dump_manifest

_BY_HAND = 2


def convert(job: Job, folder: Path) -> None:
    """Write `model.onnx` and `manifest.json` to `folder`, after the graph passed its checks."""
    converter: Converter = _function(job.converter)
    with _random_files(job, folder.parent) as random:
        conversion: Conversion = converter(job.files | random, **job.options)
        sources = (*job.sources, *(_random_source(path) for path in random.values()))
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
        seeded=bool(job.random_writers),
    )
    (folder / ONNX_FILE).write_bytes(graph)
    (folder / MANIFEST_FILE).write_bytes(dump_manifest(manifest))


def serve(framework: str) -> None:
    """Import `framework`, then convert what standard input asks for, and answer each line by an exit status.

    A line has the paths of a job, its log and its folder, separated by tabs. Each job runs in a fork: it has
    the framework already, leaves no state to the next job, and its memory is freed.
    """
    with contextlib.suppress(ImportError):  # whatever needs it will say so, in the log of its net
        importlib.import_module(framework)
    for line in sys.stdin:
        job, log, folder = (Path(part) for part in line.rstrip("\n").split("\t"))
        sys.stdout.write(f"{_convert_in_fork(job, log, folder)}\n")
        sys.stdout.flush()


def _convert_in_fork(job: Path, log: Path, folder: Path) -> int:
    """Convert one job in a process of its own, which prints to `log`, and return its exit status."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(output, stream.fileno())
        convert(load_job(job), folder)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


@contextmanager
def _random_files(job: Job, place: Path) -> Iterator[dict[str, Path]]:
    """Write the files of random weights that the job asks for, and give where they lie."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        paths = {name: Path(folder, name) for name in job.random_writers}
        for name, path in paths.items():
            _function(job.random_writers[name])(path)
        yield paths


def _random_source(path: Path) -> Source:
    return Source("seeded", "", path.name, file_sha256(path), "none: random numbers")


def _function(name: str) -> Any:  # noqa: ANN401 - what the catalogue names
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


if __name__ == "__main__":
    if len(sys.argv) > _BY_HAND:
        convert(load_job(Path(sys.argv[1])), Path(sys.argv[2]))
    else:
        serve(sys.argv[1])
