"""What each export of the `full` profile costs: `python -m bench.export_cost [NET ...]`.

Every net is converted from random weights of its checkpoint's layout, in a process of its own as an export
does it, with its checks: the graph against the module, and a run in the serving runtime. Two threads.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from export.catalogue import NETS
from export.fetch import fetch
from export.job import Job, dump_job
from export.paths import PROJECT, Paths, user_cache
from export.progress import console_progress
from export.sources import Net
from vision.manifest import ONNX_FILE, Profile

_THREADS = "2"
_WIDTH = 110
_MB = 1e6
_KIB = 1024


class Cost(NamedTuple):
    """Of one conversion: seconds on the clock and of the processor, the largest memory, the graph's size."""

    seconds: float
    processor: float
    peak: float
    """Bytes, resident."""
    size: int
    """Bytes."""


def cost(net: Net, paths: Paths, console: Console) -> Cost:
    """Convert `net` and throw it away; raises RuntimeError with what the conversion printed."""
    with console_progress(console) as progress:
        places = fetch(list(net.files), paths.cache, progress)
    with tempfile.TemporaryDirectory() as folder:
        destination = Path(folder, "net")
        destination.mkdir()
        job = Job(
            net=net.name,
            profile=net.profile,
            converter=net.converter,
            recipe="",
            sources=(),
            files={file.name: place for file, place in places.items()},
            random_writers=net.random_writers,
        )
        description = Path(folder, "job.json")
        description.write_bytes(dump_job(job))
        seconds, used = _run(net, paths, description, destination)
        size = (destination / ONNX_FILE).stat().st_size
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * _KIB, size)


def _run(
    net: Net, paths: Paths, description: Path, destination: Path
) -> tuple[float, resource.struct_rusage]:
    environment = paths.environment_of(net.framework)
    command = (environment / "bin" / "python", "-m", "export.convert", description, destination)
    log = description.with_name("log")
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=os.environ | {"OMP_NUM_THREADS": _THREADS},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{net.name}: {log.read_text(errors='replace')}")
    return time.perf_counter() - started, used


def main() -> None:
    """Print a row a net: those that are named, or all of the profile."""
    console = Console(width=_WIDTH)
    paths = Paths(PROJECT, user_cache(), Profile.FULL)
    named = sys.argv[1:]
    table = Table("net", "seconds", "of the processor", "peak memory, MB", "graph, MB")
    for net in NETS:
        if net.profile is Profile.FULL and net.random_writers and (not named or net.name in named):
            found = cost(net, paths, console)
            table.add_row(
                net.name,
                f"{found.seconds:.0f}",
                f"{found.processor:.0f}",
                f"{found.peak / _MB:.0f}",
                f"{found.size / _MB:.0f}",
            )
    console.print(table)


if __name__ == "__main__":
    main()
