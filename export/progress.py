"""What the user sees while something takes long: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Update = Callable[[int, int], None]
"""Takes how much is done and how much there is to do."""


def console_progress(console: Console) -> Progress:
    """Return a progress display that leaves no trace of its bars on `console`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def step(progress: Progress, text: str) -> Iterator[Update]:
    """Show that `text` is under way; a line with its duration remains when it succeeded."""
    started = time.monotonic()
    task = progress.add_task(text, total=None)
    if not progress.console.is_terminal:
        progress.console.print(f"{text} ...", highlight=False)
    try:
        yield lambda done, whole: progress.update(task, completed=done, total=whole)
    finally:
        progress.remove_task(task)
    progress.console.print(f"{text}: {time.monotonic() - started:.1f} s", highlight=False)
