"""What a repository serves, by its configs and manifests: the table at the start, and what is refused."""

import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from embedded.__main__ import nets_table
from embedded.errors import NotExported, SeededNets, WrongSetting
from embedded.paths import REPOSITORY
from embedded.repository import Scope, check_seeded, read_contents, select, stub_counts
from embedded.system import System
from gateway.services import SERVICES
from gateway.settings import Settings
from vision.manifest import Manifest, Source, dump_manifest, manifest_path

ENSEMBLE = """
name: "{name}" platform: "ensemble"
ensemble_scheduling {{ step [ {{ model_name: "{name}_step" }}, {{ model_name: "{name}_net" }} ] }}
"""
STEP = """
name: "{name}_step" backend: "python"
parameters {{ key: "manifests" value {{ string_value: "{name}_net,{name}_other_net" }} }}
parameters {{ key: "optional_manifests" value {{ string_value: "{name}_absent_net" }} }}
"""
NET = 'name: "{name}" backend: "onnxruntime"'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two services of two nets each, one of which a step runs itself; nothing is exported."""
    root = tmp_path / "repository"
    for service in ("a", "b"):
        for name, config in {
            service: ENSEMBLE.format(name=service),
            f"{service}_step": STEP.format(name=service),
            f"{service}_net": NET.format(name=f"{service}_net"),
            f"{service}_other_net": NET.format(name=f"{service}_other_net"),
        }.items():
            (root / name / "1").mkdir(parents=True)
            (root / name / "config.pbtxt").write_text(config)
    return root


def put(repository: Path, net: str, *, seeded: bool = False) -> None:
    sources = (Source("toy", "1.0", "x", "0", "MIT"), Source("toy", "1.0", "y", "0", "MIT"))
    manifest = Manifest(net, "full", sources, "0", 17, "0", seeded=seeded)
    manifest_path(repository, net).write_bytes(dump_manifest(manifest))
    (repository / net / "1" / "model.onnx").touch()


def test_a_service_is_its_ensemble_its_steps_and_all_their_nets(repository: Path) -> None:
    contents = read_contents(repository)
    assert contents.services == {
        "a": ("a", "a_step", "a_net", "a_other_net"),
        "b": ("b", "b_step", "b_net", "b_other_net"),
    }
    assert contents.nets == contents.missing == {"a_net", "a_other_net", "b_net", "b_other_net"}


def test_the_real_repository_is_its_services_and_nothing_else() -> None:
    contents = read_contents(REPOSITORY)
    assert set(contents.services) == set(SERVICES)
    models = {model for models in contents.services.values() for model in models}
    assert models == {path.parent.name for path in REPOSITORY.glob("*/config.pbtxt")}


def test_all_nets_must_be_exported_but_of_a_partial_repository(repository: Path) -> None:
    put(repository, "a_net")
    put(repository, "a_other_net")
    put(repository, "b_net")
    with pytest.raises(NotExported, match=r"^not exported yet: b_other_net; run `make export`$"):
        select(Scope(repository))
    partial = select(Scope(repository, partial=True))
    assert partial.to_load == ["a", "a_net", "a_other_net", "a_step"]
    assert {net.service for net in partial.nets} == {"a"}
    assert partial.left_out == {"b": "its nets are not exported"}
    put(repository, "b_other_net")
    for whole in (select(Scope(repository)), select(Scope(repository, partial=True))):
        assert (whole.to_load, whole.left_out) == (["*"], {})
        assert {net.service for net in whole.nets} == {"a", "b"}


def test_a_partial_repository_needs_one_service(repository: Path) -> None:
    put(repository, "a_net")
    put(repository, "b_net")
    missing = r"^not exported yet: a_other_net, b_other_net; run `make export PROFILE=full`$"
    with pytest.raises(NotExported, match=missing):
        select(Scope(repository, partial=True))


@pytest.mark.parametrize("partial", [False, True])
def test_services_are_chosen_by_name(repository: Path, partial: bool) -> None:
    for net in ("a_net", "a_other_net", "b_net"):
        put(repository, net)
    chosen = select(Scope(repository, ["a"], partial=partial))
    assert chosen.to_load == ["a", "a_net", "a_other_net", "a_step"]
    assert chosen.left_out == {"b": "MODELHUB_SERVICES does not name it"}
    with pytest.raises(NotExported, match="not exported yet: b_other_net; run"):
        select(Scope(repository, ["b"], partial=partial))
    with pytest.raises(WrongSetting, match=r"^MODELHUB_SERVICES: no service is named c, d; there are a, b$"):
        select(Scope(repository, ["c", "a", "d"], partial=partial))


@pytest.mark.parametrize("folder", ["b_step", "b_net", "b_other_net"])
def test_a_service_without_one_of_its_folders_is_left_out(repository: Path, folder: str) -> None:
    for net in ("a_net", "a_other_net", "b_net", "b_other_net"):
        put(repository, net)
    shutil.rmtree(repository / folder)
    assert list(select(Scope(repository, partial=True)).left_out) == ["b"]


def test_processes_are_counted_of_what_is_loaded(repository: Path) -> None:
    assert stub_counts(repository) == dict.fromkeys(
        [f"{service}_{model}" for service in ("a", "b") for model in ("net", "other_net", "step")], 0
    )
    groups = "instance_group [ { kind: KIND_GPU count: 2 gpus: [ 0, 1 ] }, {} ]"
    (repository / "a_net" / "config.pbtxt").write_text(f'name: "a_net" {groups}')
    assert stub_counts(repository, ["a", "a_net", "a_step"]) == {"a_net": 5, "a_step": 0}


def test_seeded_nets_are_refused_by_name_and_shown(repository: Path, tmp_path: Path) -> None:
    for net in ("a_net", "b_net", "b_other_net"):
        put(repository, net)
    put(repository, "a_other_net", seeded=True)
    nets = select(Scope(repository)).nets
    with pytest.raises(SeededNets, match=r"answers mean nothing: a_other_net; export .*--allow-seeded"):
        check_seeded(nets)
    with System(Settings(), Scope(repository), tmp_path / "run") as system:
        with pytest.raises(SeededNets):
            system.start_triton(report=lambda line: None)
        assert system.processes() == ()
        shown = table(system)
    assert re.search(r"a_other_net +│ full +│ toy 1.0 +│ seeded", shown)
    assert len(re.findall("seeded", shown)) == 1
    check_seeded(net for net in nets if not net.seeded)


def test_services_that_are_left_out_are_shown(repository: Path, tmp_path: Path) -> None:
    put(repository, "b_net")
    put(repository, "b_other_net", seeded=True)
    with System(Settings(), Scope(repository, partial=True), tmp_path / "run") as system:
        with pytest.raises(SeededNets, match="b_other_net"):
            system.start_triton(report=lambda line: None)
        assert re.search(r"│ a +│ left out: its nets are not exported", table(system))


def table(system: System) -> str:
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(nets_table(system.served))
    return console.export_text()
