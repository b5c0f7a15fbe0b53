"""Pictures sent to a service, and people told how it goes: on stdout the answers, on stderr all else."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from modelhub import AsyncModelHub, ServiceError
from modelhub.bulk.run import NotDone, Reason, Run, Work
from modelhub.bulk.tally import Tally, explanation
from modelhub.command.common import FAILED, INTERRUPTED, MISUSED, UNREACHABLE, errors, leave, plain
from modelhub.command.outputs import Outputs
from modelhub.downloads import NotFetched, fetched_async
from modelhub.http import Answer
from modelhub.sources import Request, Source, read

NO_SERVICE = 40401
FETCH_TIMEOUT_S = 30.0
"""For a picture's URL, redirects included."""
REDRAWN_PER_S = 2
"""Often enough for people: the cores have other things to do."""

Files = list[bytes]


@dataclass(frozen=True)
class Options:
    """Which service is asked, where, and how."""

    service: str
    url: str
    token: str | None
    jobs: int
    """Requests in flight, at most."""
    mask_format: str | None


class Session:
    """One run of `modelhub predict`."""

    def __init__(self, options: Options, outputs: Outputs) -> None:
        self._options, self._outputs = options, outputs
        self._tally = Tally()
        self._interrupted = False
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
            refresh_per_second=REDRAWN_PER_S,
            redirect_stdout=False,  # it may be a file
            redirect_stderr=False,
            disable=not errors.is_terminal,
        )
        self._drawing = ThreadPoolExecutor(os.cpu_count())

    def run(self, every: Sequence[Request], resume: bool) -> int:
        """Ask about every request, or those that an earlier run has not saved; return the exit status."""
        due = [one for one in every if not (resume and self._outputs.saved(one))]
        self._tally.skipped = len(every) - len(due)
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a text file, as Python opens it
        try:
            return asyncio.run(self._all(due))
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:  # whoever read the answers has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED

    async def _all(self, due: Sequence[Request]) -> int:
        async with AsyncExitStack() as opened:
            hub = await opened.enter_async_context(self._hub())
            await self._greet(hub)
            web = await opened.enter_async_context(
                httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=True)
            )
            run = Run(self._work(hub, web), self._options.jobs)
            self._listen(run)
            began = time.monotonic()
            with self._progress:
                self._progress.add_task(self._options.service, total=len(due), rate="")
                await run.over(due)
        self._report(len(due), time.monotonic() - began, run.hopeless)
        return self._status(run.hopeless)

    def _hub(self) -> AsyncModelHub:
        try:
            # No retries of its own: a run that is to slow down has to see every refusal.
            return AsyncModelHub(self._options.url, self._options.token, retries=0)
        except (ValueError, httpx.InvalidURL, ImportError) as error:
            leave(MISUSED, str(error))

    async def _greet(self, hub: AsyncModelHub) -> None:
        """Leave where nobody answers, or the service is unknown."""
        service = self._options.service
        try:
            services = await hub.services()
        except (ServiceError, httpx.HTTPError) as error:
            if isinstance(error, ServiceError) and error.status < 500:
                return  # somebody who does not list the services may have them
            leave(
                UNREACHABLE,
                f"nothing answers at {self._options.url} ({explanation(error)}): "
                "is it running? `modelhub up`",
            )
        if service not in services:
            leave(MISUSED, f"no service {plain(service)}; there are {', '.join(services)}")

    def _listen(self, run: Run[Request, Files]) -> None:
        """Have the first Ctrl-C, or TERM, stop the run in order; the second ends the process."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)

        def stop() -> None:
            self._interrupted = True
            for number in signals:
                loop.remove_signal_handler(number)
            run.stop()

        for number in signals:
            loop.add_signal_handler(number, stop)

    # The work

    def _work(self, hub: AsyncModelHub, web: httpx.AsyncClient) -> Work[Request, Files]:
        async def load(request: Request) -> Files:
            return [await _content(source, web) for source in request.sources]

        async def ask(files: Files) -> Answer:
            return await hub.answer(self._options.service, *files, mask_format=self._options.mask_format)

        return Work(load, ask, self._finish, self._fail)

    async def _finish(self, request: Request, files: Files, answer: Answer, seconds: float) -> None:
        if self._outputs.quick:
            line = self._outputs.make(request, files, answer)
        else:
            loop = asyncio.get_running_loop()
            line = await loop.run_in_executor(self._drawing, self._outputs.make, request, files, answer)
        self._tally.answered(seconds)
        self._tell(line)

    def _fail(self, request: Request, reason: Reason) -> None:
        self._tally.failed(request.name, reason)
        self._tell(self._outputs.failed(request, reason))

    def _tell(self, line: str) -> None:
        """Print a line, if there is one, and count one more picture in the progress bar."""
        if line and sys.stdout.isatty() and errors.is_terminal:
            self._progress.console.print(line)  # above the bar
        elif line:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        if errors.is_terminal:
            for task in self._progress.tasks:
                speed = f"{task.finished_speed or task.speed or 0:.1f}/s"
                failed = f", {len(self._tally.failures)} failed" if self._tally.failures else ""
                self._progress.update(task.id, advance=1, rate=speed + failed)

    # The end

    def _report(self, due: int, seconds: float, hopeless: Reason | None) -> None:
        tally = self._tally
        if hopeless is not None:
            errors.print(f"given up: {plain(explanation(hopeless))}", style="red")
        if due != 1 or tally.done != 1 or tally.skipped:
            errors.print(tally.summary(seconds))
        if due > tally.done:
            errors.print(f"{due - tally.done} not answered, since the run was stopped", style="yellow")
        for name, why in tally.failures:
            errors.print(f"  {plain(name)}: {plain(why)}", style="red")

    def _status(self, hopeless: Reason | None) -> int:
        if self._interrupted:
            return INTERRUPTED
        if isinstance(hopeless, ServiceError) and hopeless.code == NO_SERVICE:
            return MISUSED
        if isinstance(hopeless, httpx.TransportError) and not self._tally.seconds:
            return UNREACHABLE
        return FAILED if self._tally.failures else 0


async def _content(source: Source, web: httpx.AsyncClient) -> bytes:
    """Return a picture file; raises NotDone."""
    if isinstance(source.place, bytes):
        return source.place
    try:
        if isinstance(source.place, Path):
            return await asyncio.to_thread(read, source.place)
        return await fetched_async(source.place, web, FETCH_TIMEOUT_S)
    except OSError as error:
        raise NotDone(f"cannot be read: {error.strerror or error}") from error
    except NotFetched as error:
        raise NotDone(f"cannot be fetched: {error}") from error
