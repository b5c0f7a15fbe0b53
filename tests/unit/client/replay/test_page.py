"""docs/moving-over.md says what the code does."""

import inspect
import re

from embedded.paths import ROOT
from modelhub.command.record import record
from modelhub.command.replay import replay
from modelhub.replay.measures import DEFINITIONS, MATCH_IOU
from modelhub.replay.run import RETRIES
from modelhub.replay.tally import LATENCIES, WORST

PAGE = (ROOT / "docs" / "moving-over.md").read_text()


def test_every_figure_is_on_the_page_as_it_is_defined() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \| (.*) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert {name: (meaning, unit, float(tolerance)) for name, meaning, unit, tolerance in rows} == {
        name: (one.meaning, one.unit, one.tolerance) for name, one in DEFINITIONS.items()
    }


def test_every_word_of_the_commands_is_on_the_page_and_no_other() -> None:
    named = {"before": "--from", "after": "--to", "as_json": "--json", "pictures": "--no-pictures"}
    options = {
        named.get(name, f"--{name.replace('_', '-')}")
        for command in (replay, record)
        for name in inspect.signature(command).parameters
    } - {"--recording", "--host"}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) == options


def test_numbers_on_the_page_are_those_of_the_code() -> None:
    assert f"intersection over union of {MATCH_IOU}" in PAGE
    assert WORST == 10
    assert "the ten\nrequests that differ most" in PAGE
    assert RETRIES == 3
    assert "up to three times" in PAGE
    assert ", ".join(f"p{rank}" for rank in LATENCIES[:2]) + f" and p{LATENCIES[2]}" in PAGE
