"""Logs as one JSON object a line."""

import json
import logging
from typing import Any

HANDLER = "stderr"


class JsonLine(logging.Formatter):
    """Writes time, level, logger and message, and the fields given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLine}},
    "handlers": {HANDLER: {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": [HANDLER]},
    # Its other lines tell of clients that do not speak HTTP, once for each, or of our failures a second time.
    "loggers": {"uvicorn.error": {"level": "ERROR"}},
}
