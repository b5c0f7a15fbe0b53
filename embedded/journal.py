"""The supervisor's log: one JSON object a line, in the form of the gateway's."""

import contextlib
import logging
from pathlib import Path

from gateway.logs import JsonLine


class Journal:
    """A log file, emptied at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def write(self, sentence: str, **fields: object) -> None:
        """Add a line; a full disk loses it and stops nothing."""
        record = {"name": "supervisor", "levelno": logging.WARNING, "levelname": "WARNING", "msg": sentence}
        line = JsonLine().format(logging.makeLogRecord({**record, "fields": fields}))
        with contextlib.suppress(OSError), self._path.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")
