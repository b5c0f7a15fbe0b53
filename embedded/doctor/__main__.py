"""Prints what is wrong with this machine: `python -m embedded.doctor [--profile full] [--json]`.

Exit status: 0 if nothing is, 1 if something has to be mended.
"""

from __future__ import annotations  # an old Python must be told that it is one

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from embedded.doctor import machine
from embedded.doctor.finding import NOTE, OK, PROBLEM, Finding, looked_at

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ("lite", "full")
NEEDS = ("msgspec", "pydantic_settings", "psutil", "httpx", "tritonclient")
"""Packages without which nothing of ours can be looked at."""
_COLOURS = {OK: "32", NOTE: "33", PROBLEM: "31"}


def findings(profile: str) -> Iterator[Finding]:
    """Yield all findings."""
    environment = looked_at("environment", lambda: machine.environment(ROOT))
    if any(importlib.util.find_spec(name) is None for name in NEEDS):
        yield from machine.findings(ROOT, serving=False, built=False)
        yield environment
        yield Finding("nets, ports, services", NOTE, "not looked at, since that takes the environment")
        return
    yield from _all(profile, environment)


def _all(profile: str, environment: Finding) -> Iterator[Finding]:
    from embedded.doctor import system  # noqa: PLC0415 - it takes the environment
    from embedded.settings import service_names  # noqa: PLC0415
    from vision.manifest import Profile  # noqa: PLC0415

    settings, finding = system.settings_or_fault()
    running = system.Running(settings)
    which = Profile(profile)
    repository = ROOT / which.repository
    names = service_names(os.environ.get("MODELHUB_SERVICES", ""))
    exported = looked_at("nets", lambda: system.nets(repository, names, partial=which is Profile.FULL))
    built = environment.state == OK and exported.state == OK
    yield from machine.findings(ROOT, serving=bool(running), built=built)
    yield environment
    yield finding
    yield from system.findings(repository, exported, settings, running)


def lines(found: Sequence[Finding], *, colour: bool) -> Iterator[str]:
    """Yield what people read."""
    width = max(len(one.what) for one in found)
    for one in found:
        state = f"\033[{_COLOURS[one.state]}m{one.state:8}\033[0m" if colour else f"{one.state:8}"
        yield f"{state} {one.what:{width}}  {one.told}"
        if one.remedy:
            yield f"{'':9}{'':{width}}  -> {one.remedy}"
    problems = sum(one.state == PROBLEM for one in found)
    yield f"{problems} to be mended" if problems else "nothing is wrong"


def main() -> int:
    """Print the findings; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedded.doctor", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default=os.environ.get("MODELHUB_PROFILE") or "lite")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.profile not in PROFILES:  # a default is not looked at
        parser.error(f"MODELHUB_PROFILE: {options.profile} is none of {', '.join(PROFILES)}")
    found = list(findings(options.profile))
    if options.json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        sys.stdout.writelines(f"{line}\n" for line in lines(found, colour=colour))
    return int(any(one.state == PROBLEM for one in found))


if __name__ == "__main__":
    sys.exit(main())
