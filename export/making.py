"""From jobs to nets in place: staged, converted, placed; frameworks side by side."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from rich.progress import Progress

from export.environment import ensure_environment
from export.job import Job
from export.paths import Framework, Paths
from export.placing import place, restore, staging
from export.progress import step
from export.worker import Worker


class Makers:
    """A worker for each of `frameworks`, whose environments are built first; raises ExportError.

    Each does what it is given in that order, and beside the others. At the end of the block, or when it is
    left by an error, nothing runs any more and nothing half-made is left.
    """

    def __init__(self, frameworks: Iterable[Framework], paths: Paths, progress: Progress) -> None:
        self._progress = progress
        pythons = {
            framework: ensure_environment(paths.environment_of(framework), paths.lock_of(framework), progress)
            for framework in sorted(set(frameworks))
        }
        self._workers = {one: Worker(python, one, paths.logs) for one, python in pythons.items()}
        self._lanes = {one: ThreadPoolExecutor(1) for one in pythons}
        self._futures: list[Future[None]] = []
        self.stopped = Event()
        """Set when what was submitted should give up."""

    def __enter__(self) -> "Makers":
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers.values():
            worker.stop()
        for lane in self._lanes.values():
            lane.shutdown()
        for worker in self._workers.values():
            worker.close()

    def submit(self, framework: Framework, make: Callable[[Worker], None]) -> Future[None]:
        """Call `make` with the worker of `framework` when its turn comes."""
        future = self._lanes[framework].submit(make, self._workers[framework])
        self._futures.append(future)
        return future

    def make(self, jobs: Sequence[tuple[Job, Path]], worker: Worker) -> None:
        """Convert each job and put it in place of its version folder; all, or none where one fails."""
        with ExitStack() as stack:
            finished = []
            for job, version in jobs:
                restore(version)
                folder = stack.enter_context(staging(version.parent))
                with step(self._progress, f"Converting {job.net}"):
                    worker.run(job, folder)
                finished.append((folder, version))
            for folder, version in finished:
                place(folder, version)

    def wait(self) -> None:
        """Return when all that was submitted is done; raises the error of the first that failed."""
        for future in as_completed(self._futures):
            future.result()
