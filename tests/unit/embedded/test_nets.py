"""What a repository serves, by its configs and manifests: the table at the start, and what is refused."""

import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from embedded.__main__ import nets_table
from embedded.errors import NotExported, SeededNets
from embedded.nets import check_seeded, link_whole_services, read_contents, served_nets
from embedded.paths import REPOSITORY
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


def test_of_a_partial_repository_whole_services_are_served(repository: Path, tmp_path: Path) -> None:
    target = tmp_path / "run" / "repository"
    with pytest.raises(NotExported, match=r"^no service of repository is exported yet; run `"):
        link_whole_services(repository, target)
    put(repository, "a_net")
    put(repository, "a_other_net")
    put(repository, "b_net")
    for _ in range(2):  # the second time over what the first one left
        assert link_whole_services(repository, target) == ["b"]
        assert {path.name for path in target.iterdir()} == {"a", "a_step", "a_net", "a_other_net"}
    assert manifest_path(target, "a_net").is_file()
    assert {net.service for net in served_nets(target)} == {"a"}


@pytest.mark.parametrize("folder", ["b_step", "b_net", "b_other_net"])
def test_a_service_without_one_of_its_folders_is_left_out(
    repository: Path, tmp_path: Path, folder: str
) -> None:
    for net in ("a_net", "a_other_net", "b_net", "b_other_net"):
        put(repository, net)
    shutil.rmtree(repository / folder)
    assert link_whole_services(repository, tmp_path / "target") == ["b"]


def test_links_of_links_lead_to_the_folder_itself(repository: Path, tmp_path: Path) -> None:
    put(repository, "a_net")
    put(repository, "a_other_net")
    linked = tmp_path / "linked"
    linked.mkdir()
    for path in repository.iterdir():
        (linked / path.name).symlink_to(Path("..", "repository", path.name))
    target = tmp_path / "deep" / "er" / "target"
    link_whole_services(linked, target)
    assert (target / "a_step").readlink() == repository / "a_step"


def test_seeded_nets_are_refused_by_name_and_shown(repository: Path, tmp_path: Path) -> None:
    for net in ("a_net", "b_net", "b_other_net"):
        put(repository, net)
    put(repository, "a_other_net", seeded=True)
    nets = served_nets(repository)
    with pytest.raises(SeededNets, match=r"answers mean nothing: a_other_net; export .*--allow-seeded"):
        check_seeded(nets)
    with System(Settings(), repository, tmp_path / "run") as system:
        with pytest.raises(SeededNets):
            system.start_triton(report=lambda line: None)
        assert system.processes() == ()
        shown = told(system)
    assert re.search(r"a_other_net +│ full +│ toy 1.0 +│ seeded", shown)
    assert len(re.findall("seeded", shown)) == 1
    check_seeded(net for net in nets if not net.seeded)


def test_services_that_are_left_out_are_shown(repository: Path, tmp_path: Path) -> None:
    put(repository, "b_net")
    put(repository, "b_other_net", seeded=True)
    with System(Settings(), repository, tmp_path / "run", partial=True) as system:
        with pytest.raises(SeededNets, match="b_other_net"):
            system.start_triton(report=lambda line: None)
        assert re.search(r"│ a +│ left out: its nets are not exported", told(system))


def told(system: System) -> str:
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(nets_table(system))
    return console.export_text()
