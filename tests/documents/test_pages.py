"""Every fenced block of every page is run, or looked at as far as it can be (`tests/documents/blocks.py`)."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonschema_rs import Draft202012Validator

from embedded.paths import ROOT
from embedded.system import System
from gateway.services import SERVICES
from gateway.settings import Settings
from tests.documents.blocks import Block, Fate, blocks, pages
from tests.documents.named import faults
from tests.documents.running import SYSTEM, environment, furnish, moved, run
from tests.documents.shortened import differences, missing_lines

PAGES = pages(ROOT)
BLOCKS = {page: blocks(page, (ROOT / page).read_text()) for page in PAGES}
RUN = [page for page in PAGES if any(block.fate is Fate.RUN for block in BLOCKS[page])]
PARSERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
}
ALL = [block for page in PAGES for block in BLOCKS[page]]
IDS = [block.place for block in ALL]
OPENAPI = json.loads((ROOT / "docs" / "openapi.json").read_text())


def named_but_not_run() -> list[Block]:
    return [block for block in ALL if block.language in ("sh", "python") and block.mark]


def test_every_page_of_ours_is_among_them() -> None:
    assert {"README.md", "README.zh.md", "client/README.md", "docs/security.md"} <= set(PAGES)
    assert {f"docs/services/{service}.md" for service in SERVICES} <= set(PAGES)


@pytest.mark.parametrize("block", ALL, ids=IDS)
def test_a_block_has_a_fate(block: Block) -> None:
    assert block.fate is not Fate.NONE, f"{block.language or 'no language'} {block.argument}"


@pytest.mark.parametrize("block", [block for block in ALL if block.test], ids=lambda block: block.place)
def test_the_test_that_a_mark_names_is_there(block: Block) -> None:
    assert block.test
    file, name = block.test
    assert f"def {name}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("block", named_but_not_run(), ids=lambda block: block.place)
def test_what_is_not_run_names_what_is_there(block: Block) -> None:
    assert faults(block, ROOT) == []


@pytest.mark.parametrize(
    "block", [block for block in ALL if block.fate is Fate.PARSED], ids=lambda block: block.place
)
def test_what_is_data_can_be_read(block: Block) -> None:
    PARSERS[block.language](block.text)


@pytest.mark.parametrize("service", SERVICES)
def test_json_of_a_services_page_is_as_documented(service: str) -> None:
    page = f"docs/services/{service}.md"
    shown = [json.loads(block.text) for block in BLOCKS[page] if block.language == "json"]
    assert {one.get("success") for one in shown} >= {None, True}, "a request and an answer"
    for one in shown:
        schema = {"allOf": [_schema_of(service, one)], "components": OPENAPI["components"]}
        Draft202012Validator(schema).validate(one)


def _schema_of(service: str, shown: dict[str, object]) -> object:
    operation = OPENAPI["paths"][f"/api/predict/{service}"]["post"]
    content = {
        None: operation["requestBody"],
        True: operation["responses"]["200"],
        False: operation["responses"]["400"],
    }[shown.get("success")]  # type: ignore[index]
    return content["content"]["application/json"]["schema"]


def asks_a_system(page: str) -> bool:
    return any(SYSTEM.search(block.text) for block in BLOCKS[page] if block.fate is Fate.RUN)


@pytest.mark.parametrize("page", [page for page in RUN if asks_a_system(page)])
def test_commands_that_ask_a_system_do_what_their_page_says(
    page: str, tmp_path: Path, system: System
) -> None:
    _run(page, tmp_path, system.settings)


@pytest.mark.parametrize("page", [page for page in RUN if not asks_a_system(page)])
def test_commands_of_a_page_do_what_it_says(page: str, tmp_path: Path) -> None:
    _run(page, tmp_path, None)


def _run(page: str, folder: Path, settings: Settings | None) -> None:
    """In the page's order, in one folder; what is printed is held against what the page shows of it."""
    if any("curl" in block.text for block in BLOCKS[page]) and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    furnish(folder, ROOT)
    variables = environment(ROOT, settings)
    printed: str | None = None
    for block in BLOCKS[page]:
        if block.fate is Fate.RUN:
            text = moved(block.text, settings) if settings else block.text
            printed = run(block.language, text, folder, variables)
        elif printed is not None:
            _hold(block, printed)
            printed = printed if block.fate is Fate.COMPARED else None


def _hold(block: Block, printed: str) -> None:
    if block.fate is Fate.COMPARED:
        assert missing_lines(block.text, printed) == [], f"{block.place}, of {printed}"
    elif block.language == "json" and printed.lstrip().startswith("{"):
        assert list(differences(json.loads(block.text), json.loads(printed))) == [], block.place


def test_what_is_shown_of_output_follows_a_command() -> None:
    for page in PAGES:
        previous: Block | None = None
        for block in BLOCKS[page]:
            if block.fate is Fate.COMPARED:
                assert previous is not None, block.place
                assert previous.fate in (Fate.RUN, Fate.COMPARED), block.place
            previous = block


@pytest.mark.parametrize(
    "text",
    [
        "```\nx\n```",
        "```perl\nx\n```",
        "    indented\n",
        "<!-- needs: luck -->\n```sh\nx\n```",
        "<!-- needs: minutes -->\n```sh\nmake up\n```",
        "<!-- needs: docker -->\n```json\n{}\n```",
        "<!-- checked: by somebody -->\n```text\nx\n```",
    ],
)
def test_a_block_of_which_nothing_is_said_has_no_fate(text: str) -> None:
    (block,) = blocks("page", text)
    assert block.fate is Fate.NONE
