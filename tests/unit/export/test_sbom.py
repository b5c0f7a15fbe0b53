"""The bills of materials are CycloneDX, and nothing of a lock or of the nets is missing from them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cyclonedx import schema
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft7, Draft7Validator, Registry

from export.paths import PROJECT
from export.sbom import LOCKS, NETS, bom_of_lock, bom_of_nets, locked, text_of, write_all
from vision.manifest import Manifest, Source

DIGEST = "ab" * 32
SCHEMAS = {
    f"http://cyclonedx.org/schema/{path.name}": json.loads(path.read_text())
    for path in Path(schema.__file__).parent.glob("_res/*.json")
}
VALIDATOR = Draft7Validator(
    SCHEMAS["http://cyclonedx.org/schema/bom-1.6.SNAPSHOT.schema.json"],
    validate_formats=True,
    registry=Registry(list(SCHEMAS.items()), draft=Draft7),
)


def read(text: str) -> dict[str, Any]:
    """The bill, which is one by the schema."""
    fields: dict[str, Any] = json.loads(text)
    VALIDATOR.validate(fields)
    assert (fields["bomFormat"], fields["specVersion"]) == ("CycloneDX", "1.6")
    return fields


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    written = write_all(PROJECT, tmp_path_factory.mktemp("out") / "sbom")
    return {path.stem: read(path.read_text()) for path in written}


def test_there_is_one_for_each_lock_and_one_for_the_nets(bills: dict[str, dict[str, Any]]) -> None:
    assert bills.keys() == {*LOCKS, NETS}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_in_its_bill_to_the_last_hash(bills: dict[str, dict[str, Any]], name: str) -> None:
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    components = bills[name]["components"]
    pinned = set(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE))
    assert {(one["name"], one["version"]) for one in components} == pinned
    digests = {digest["content"] for one in components for digest in one["hashes"]}
    assert digests == set(re.findall(r"sha256:([0-9a-f]+)", text))
    assert all(one["purl"] == f"pkg:pypi/{one['name'].lower()}@{one['version']}" for one in components)


def test_what_is_needed_by_what_is_known(bills: dict[str, dict[str, Any]]) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in bills["serve"]["dependencies"]}
    (starlette,) = (reference for reference in needs if reference.startswith("starlette=="))
    assert starlette in needs["serve"]
    assert any(reference.startswith("anyio==") for reference in needs[starlette])
    reached, at_hand = set(), ["serve"]
    while at_hand:
        reference = at_hand.pop()
        reached.add(reference)
        at_hand += [need for need in needs[reference] if need not in reached]
    assert reached == needs.keys()


def test_every_net_has_its_sources_their_licences_and_digests(bills: dict[str, dict[str, Any]]) -> None:
    for net in bills[NETS]["components"]:
        assert net["type"] == "machine-learning-model"
        assert net["hashes"]
        assert all(source["hashes"] and source["licenses"] for source in net["components"])


def test_a_net_of_two_sources() -> None:
    sources = (
        Source("models", "1.2", "a/net.onnx", DIGEST, "Apache-2.0"),
        Source("names", "3", "names.txt", DIGEST[::-1], "as its author says"),
    )
    manifest = Manifest("x_net", "lite", sources, DIGEST, 17, "0" * 64, seeded=True)
    (net,) = read(text_of(bom_of_nets([manifest])))["components"]
    assert {json.dumps(one["license"]) for one in net["licenses"]} == {
        '{"id": "Apache-2.0"}',
        '{"name": "as its author says"}',
    }
    assert {source["name"] for source in net["components"]} == {"a/net.onnx", "names.txt"}
    assert {"name": "modelhub:seeded", "value": "true"} in net["properties"]


names = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc1|\.post1)?", fullmatch=True)
digests = st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), min_size=1, max_size=4, unique=True)


@given(st.dictionaries(names, st.tuples(versions, digests, st.booleans()), min_size=1, max_size=8))
def test_any_lock_comes_back_whole(packages: dict[str, tuple[str, list[str], bool]]) -> None:
    lines = []
    for name, (version, hashes, marked) in packages.items():
        marker = " ; python_full_version < '3.11'" if marked else ""
        lines += [f"{name}=={version}{marker} \\", *(f"    --hash=sha256:{digest} \\" for digest in hashes)]
        lines[-1] = lines[-1].removesuffix(" \\")
        lines += ["    # via", "    #   -r requirements/x.in", f"    #   {next(iter(packages))}"]
    found = locked("\n".join(lines))
    assert [(one.name, one.version, list(one.sha256), bool(one.marker)) for one in found] == [
        (name, version, hashes, marked) for name, (version, hashes, marked) in packages.items()
    ]
    assert all(one.via == ("-r requirements/x.in", next(iter(packages))) for one in found)
    components = read(text_of(bom_of_lock("x", found)))["components"]
    assert {one["name"] for one in components} == packages.keys()


@pytest.mark.parametrize(
    "text",
    ["starlette==1\n", "starlette>=1 \\\n    --hash=sha256:" + DIGEST, "    --hash=sha256:" + DIGEST],
    ids=["no hash", "no version", "no package"],
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hash|NAME==VERSION|no package"):
        locked(text)


def test_the_schema_notices_what_is_wrong(bills: dict[str, dict[str, Any]]) -> None:
    spoilt = json.loads(json.dumps(bills["serve"]))
    spoilt["components"][0]["hashes"][0]["content"] = "not a digest"
    assert not VALIDATOR.is_valid(spoilt)


def test_the_folder_may_be_there_already(tmp_path: Path) -> None:
    assert write_all(PROJECT, tmp_path) == write_all(PROJECT, tmp_path)
