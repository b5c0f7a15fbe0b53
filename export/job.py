"""What the exporter hands to the conversion environment: one net to convert."""

from pathlib import Path

import msgspec

from vision.manifest import Source


class Job(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Convert `files` with `converter` to a net and its manifest.

    Files go by their base names, or by the names that the converter gives to a user's own.
    """

    net: str
    profile: str
    converter: str
    recipe: str
    sources: tuple[Source, ...]
    files: dict[str, Path]
    options: dict[str, int | float] = {}
    """What the user chose: the converter's keyword arguments."""
    random_writers: dict[str, str] = {}
    """Functions, as `module:function`, that write more files, with random weights, by their names."""


def load_job(path: Path) -> Job:
    """Read a job that `dump_job` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Job, dec_hook=lambda kind, value: kind(value))


def dump_job(job: Job) -> bytes:
    """Return the job as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(job, enc_hook=str), indent=2) + b"\n"
