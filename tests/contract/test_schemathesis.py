"""Whatever schemathesis makes of docs/openapi.json, the answers are as it says, and never a 5xx."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import uv

from embedded.paths import ROOT
from gateway.deadline import HEADER
from gateway.settings import Settings
from tests import commands

REQUIREMENTS = ROOT / "requirements" / "schemathesis.txt"
DOCUMENT = ROOT / "docs" / "openapi.json"
SECONDS = 45
SEED = 6

UNSAYABLE = ("positive_data_acceptance", "negative_data_rejection")
"""No schema can say which texts are pictures: what it allows may well be refused. And a picture that is given
is answered whatever the field for its URL holds: more is accepted than the schema allows."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def schemathesis(gateway_url: str, tmp_path: Path) -> Run:
    """Runs it on a document against the system of all tests; what it remembers is forgotten."""

    def run(document: Path, *options: str) -> "subprocess.CompletedProcess[str]":
        environment = ["--isolated", "--no-project", "--python", sys.executable]
        packages = ["--with-requirements", str(REQUIREMENTS)]
        told = ["--url", gateway_url, f"--seed={SEED}", "--workers=1", "--suppress-health-check=all"]
        # A deadline of a few milliseconds, which the document allows, would rightly be answered 504.
        headers = [f"--header={HEADER}: {Settings().deadline_s * 1e3:.0f}"]
        limits = [*headers, f"--request-timeout={Settings().deadline_s + 5}", "--checks=all"]
        command = [uv.find_uv_bin(), "run", "--quiet", *environment, *packages, "schemathesis", "run"]
        return commands.run(
            [*command, str(document), *told, *limits, f"--exclude-checks={','.join(UNSAYABLE)}", *options],
            cwd=tmp_path,
        )

    return run


def test_answers_are_as_documented_whatever_is_sent(schemathesis: Run) -> None:
    done = schemathesis(DOCUMENT, f"--max-time={SECONDS}", "--continue-on-failure")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Tested: 12" in done.stdout


def test_a_document_that_does_not_know_an_answer_is_noticed(schemathesis: Run, tmp_path: Path) -> None:
    document = orjson.loads(DOCUMENT.read_bytes())
    del document["paths"]["/api/predict/ocr"]["post"]["responses"]["400"]
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(orjson.dumps(document))
    done = schemathesis(wrong, "--include-operation-id=ocr", "--phases=coverage", "--max-time=20")
    assert done.returncode == 1
    assert "ndocumented" in done.stdout, done.stdout[-3000:]
