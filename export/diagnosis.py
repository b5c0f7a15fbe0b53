"""Telling from what a tool printed why it failed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from export.errors import ExportError

_TELLING = re.compile(r" *(error\b|cause:|hint:|because|×|╰)", re.IGNORECASE)
_LAST_LINES = 8


@dataclass(frozen=True)
class Symptom:
    """Output that matches `pattern` means `error`; `advice` is the rest of the message's one line."""

    pattern: re.Pattern[str]
    error: type[ExportError]
    advice: str


def diagnose(
    subject: str, output: str, symptoms: Sequence[Symptom], otherwise: type[ExportError]
) -> ExportError:
    """Return the error of the first symptom that `output` shows; `otherwise`, with its own words, if none."""
    for symptom in symptoms:
        if symptom.pattern.search(output):
            return symptom.error(f"{subject}: {symptom.advice}")
    lines = [line for line in output.splitlines() if _TELLING.match(line)]
    return otherwise(
        f"{subject}: failed with the lines above; mend that and run the export again",
        tuple(lines[-_LAST_LINES:]),
    )
