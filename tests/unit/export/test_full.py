"""Nets of published checkpoints and of the user's own, with toy converters and a site on loopback."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from export import cli
from export.exporter import export
from export.hashing import file_sha256
from export.paths import Paths
from export.published import cached_path
from export.recipe import net_recipe
from export.sources import Net, Published, Supplied
from export.state import Condition, Origin, State, net_state
from tests.unit.export.conftest import MakeNet
from tests.unit.export.file_server import FileServer
from tests.unit.export.toy import ToySettings
from vision.manifest import Manifest, Profile, dump_manifest, load_manifest

BODY = b"5.0"
WRITER = "tests.unit.export.toy:random_factor"
CONVERTER = "tests.unit.export.toy:multiply"
READY, YOURS, RANDOM = (State(Condition.READY, origin) for origin in Origin)
RUNNER = CliRunner(env={"COLUMNS": "300"})


@pytest.fixture
def full(paths: Paths) -> Paths:
    return Paths(paths.root, paths.cache, Profile.FULL)


@pytest.fixture
def published(site: FileServer) -> Net:
    site.body = BODY
    digits = hashlib.sha256(BODY).hexdigest()[:8]
    file = Published(f"{site.url}/factor.txt", "factor.txt", digits, None, "MIT", WRITER, "a remark")
    return Net("toy_net", "toy", Profile.FULL, CONVERTER, published=(file,))


@pytest.fixture
def supplied() -> Net:
    file = Supplied("factor.txt", WRITER)
    return Net("shelf_net", "shelf", Profile.FULL, CONVERTER, supplied=(file,))


def manifest_of(net: Net, paths: Paths) -> Manifest:
    return load_manifest(paths.version(net.name) / "manifest.json")


def factor(net: Net, paths: Paths) -> float:
    return manifest_of(net, paths).typed_settings(ToySettings).factor


def test_each_profile_has_its_own_repository(paths: Paths, full: Paths) -> None:
    assert paths.version("n") == paths.root / "model_repository" / "n" / "1"
    assert full.version("n") == paths.root / "model_repository_full" / "n" / "1"
    assert paths.logs != full.logs
    assert paths.lock == full.lock


def test_a_published_checkpoint_becomes_a_net(
    published: Net, full: Paths, progress: Progress, site: FileServer
) -> None:
    assert export([published], [], full, progress).made == 1
    assert net_state(published, full) == READY
    manifest = manifest_of(published, full)
    assert not manifest.seeded
    assert manifest.profile == Profile.FULL
    (source,) = manifest.sources
    assert (source.package, source.file) == ("127.0.0.1", f"{site.url}/factor.txt")
    assert source.sha256 == hashlib.sha256(BODY).hexdigest()
    assert export([published], [], full, progress).made == 0
    assert len(site.requests) == 1
    assert not (full.root / "model_repository").exists()


def test_a_checkpoint_carried_in_becomes_the_same_net(
    published: Net, full: Paths, tmp_path: Path, progress: Progress, site: FileServer
) -> None:
    (tmp_path / "factor.txt").write_bytes(BODY)
    site.close()
    assert export([published], [], replace(full, carried=tmp_path), progress).made == 1
    assert factor(published, full) == 5.0


def test_checkpoints_are_converted_where_pytorch_is(published: Net, full: Paths, progress: Progress) -> None:
    """The toy environments do the same, but each net's recipe has its own lock."""
    export([published], [], full, progress)
    assert manifest_of(published, full).recipe == net_recipe(published, full)
    full.requirements.write_text("# another\n")
    assert net_state(published, full) == READY
    full.training_requirements.write_text("# another\n")
    assert net_state(published, full).condition is Condition.OUTDATED


def test_seeded_nets_are_made_by_name_alone_and_say_so(
    published: Net, full: Paths, progress: Progress, site: FileServer
) -> None:
    assert export([published], [], full, progress, random_weights=True).made == 1
    assert site.requests == []
    manifest = manifest_of(published, full)
    assert manifest.seeded
    assert [(source.package, source.file) for source in manifest.sources] == [("seeded", "factor.txt")]
    assert factor(published, full) == 7.0
    assert {path.name for path in full.version("toy_net").iterdir()} == {"model.onnx", "manifest.json"}
    assert net_state(published, full) == RANDOM
    assert export([published], [], full, progress, random_weights=True).made == 0


def test_the_next_export_replaces_a_seeded_net(published: Net, full: Paths, progress: Progress) -> None:
    export([published], [], full, progress, random_weights=True)
    assert export([published], [], full, progress).made == 1
    assert net_state(published, full) == READY
    assert factor(published, full) == 5.0


def test_a_seeded_one_never_replaces_a_published_one_unforced(
    published: Net, full: Paths, progress: Progress
) -> None:
    export([published], [], full, progress)
    assert export([published], [], full, progress, random_weights=True).made == 0
    assert net_state(published, full) == READY
    assert export([published], [], full, progress, random_weights=True, force=True).made == 1
    assert net_state(published, full) == RANDOM


def test_what_writes_random_weights_is_part_of_a_seeded_nets_recipe_alone(
    published: Net, full: Paths
) -> None:
    (file,) = published.published
    other = msgspec.structs.replace(
        published, published=(msgspec.structs.replace(file, random="export.convert.coco:nothing"),)
    )
    assert net_recipe(published, full) != net_recipe(published, full, random_weights=True)
    assert net_recipe(other, full, random_weights=True) != net_recipe(published, full, random_weights=True)


def test_a_net_of_packages_is_never_seeded(make_net: MakeNet, full: Paths, progress: Progress) -> None:
    net = make_net("multiply")
    export([net], [], full, progress, random_weights=True)
    assert net_state(net, full) == READY
    assert not manifest_of(net, full).seeded


def test_what_only_the_user_has_is_left_out_until_it_is_supplied(
    supplied: Net, published: Net, full: Paths, progress: Progress
) -> None:
    assert export([supplied, published], [], full, progress) == (1, (supplied,))
    assert net_state(supplied, full).condition is Condition.ABSENT
    assert export([supplied], [], full, progress, random_weights=True) == (1, ())
    assert net_state(supplied, full) == RANDOM


def test_no_seeded_net_outlives_an_export_that_did_not_ask_for_it(
    supplied: Net, full: Paths, progress: Progress
) -> None:
    export([supplied], [], full, progress, random_weights=True)
    assert export([supplied], [], full, progress).made == 0
    assert net_state(supplied, full).condition is Condition.ABSENT


@pytest.mark.parametrize("force", [False, True])
def test_what_the_user_supplied_stays(supplied: Net, full: Paths, progress: Progress, force: bool) -> None:
    export([supplied], [], full, progress, random_weights=True)
    path = full.version("shelf_net") / "manifest.json"
    manifest = msgspec.structs.replace(load_manifest(path), profile="own", seeded=False)
    path.write_bytes(dump_manifest(manifest))
    assert net_state(supplied, full) == YOURS
    assert export([supplied], [], full, progress, force=force).made == 0
    assert net_state(supplied, full) == YOURS


@pytest.fixture
def _toy_catalogue(published: Net, supplied: Net, full: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "NETS", (published, supplied))
    monkeypatch.setattr(cli, "EXTRAS", ())
    monkeypatch.setattr(cli, "SERVICES", ("toy", "shelf"))
    monkeypatch.setattr(cli, "PROJECT", full.root)
    monkeypatch.setattr(cli, "user_cache", lambda: full.cache)


@pytest.mark.usefixtures("_toy_catalogue")
def test_the_command_says_what_it_waits_for() -> None:
    done = RUNNER.invoke(cli.app, ["--profile", "full"])
    assert done.exit_code == 0
    assert done.stderr.splitlines()[-2:] == [
        "shelf needs checkpoints of your own: see `python -m export own shelf --help`",
        "1 ready, 1 of them made now.",
    ]
    shown = RUNNER.invoke(cli.app, ["--list", "--profile", "full"]).stdout
    for cell in ("127.0.0.1", "?", "MIT", "ready", "your own", "absent", "factor.txt: a remark."):
        assert cell in shown
    RUNNER.invoke(cli.app, ["--profile", "full", "--seeded"])
    assert "seeded" in RUNNER.invoke(cli.app, ["--list", "--profile", "full"]).stdout


@pytest.mark.usefixtures("_toy_catalogue")
def test_options_come_from_the_environment_too(
    tmp_path: Path, site: FileServer, full: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "factor.txt").write_bytes(b"6.0")
    monkeypatch.setenv("MODELHUB_PROFILE", "full")
    monkeypatch.setenv("MODELHUB_WEIGHTS_DIR", str(tmp_path))
    done = RUNNER.invoke(cli.app, ["toy"])
    assert done.exit_code == 5
    assert f"{tmp_path}/factor.txt: has SHA-256 {file_sha256(tmp_path / 'factor.txt')}" in done.stderr
    assert not full.version("toy_net").exists()


@pytest.mark.usefixtures("_toy_catalogue")
def test_without_network_one_line_names_file_and_url(site: FileServer) -> None:
    site.close()
    done = RUNNER.invoke(cli.app, ["toy", "--profile", "full"])
    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1].startswith("export: factor.txt: no answer")
    assert f"from {site.url}/factor.txt; " in done.stderr.splitlines()[-1]


def test_random_weights_for_packages_nets_are_wrong_usage() -> None:
    done = RUNNER.invoke(cli.app, ["--seeded", "object_detection"])
    assert done.exit_code == 2
    assert "--seeded" in done.stderr


def test_the_cache_is_apart_from_packages(published: Net, full: Paths) -> None:
    (file,) = published.published
    assert cached_path(file, full.cache).relative_to(full.cache).parts == (
        "published",
        "127.0.0.1",
        "factor.txt",
    )


def test_progress_is_on_the_screen(
    published: Net, full: Paths, progress: Progress, screen: io.StringIO
) -> None:
    export([published], [], full, progress)
    assert "Downloading factor.txt: " in screen.getvalue()
