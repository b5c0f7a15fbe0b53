"""Logs as one JSON object a line, every line of a request with its id."""

import json
import logging.config
import sys
import traceback
from contextvars import ContextVar
from types import TracebackType
from typing import Any

HANDLER = "stderr"

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is worked on here; its tasks and threads inherit it."""


class JsonLine(logging.Formatter):
    """Writes time, level, logger, message, the request's id, and fields given as `extra={"fields": {...}}`.

    An exception is a field, `{"type", "message", "stack"}`, the stack as Python prints it, causes included.
    """

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identity := REQUEST_ID.get():
            line["request_id"] = identity
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _described(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _described(error: BaseException) -> dict[str, str]:
    kind = type(error)
    return {
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "message": str(error),
        "stack": "".join(traceback.format_exception(error)),
    }


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLine}},
    "handlers": {HANDLER: {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": [HANDLER]},
    "loggers": {
        # Its other lines tell of clients that do not speak HTTP, once for each, or of our failures again.
        "uvicorn.error": {"level": "ERROR"},
        # Ours are of gateway.observation, and say more.
        "uvicorn.access": {"level": "CRITICAL"},
    },
}


def configure() -> None:
    """Send every log, warning and uncaught exception of this process to stderr as JSON."""
    logging.config.dictConfig(CONFIG)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("gateway").critical("ended by an exception", exc_info=(kind, error, trace))
