"""The `full` repository: the same ensembles and steps, other nets under the same names and tensors."""

import os
from pathlib import Path

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tests.repository.checks import (
    REPOSITORIES,
    assert_counts_are_explicit,
    assert_net_says_threads_and_batches,
    assert_steps_fit,
)
from vision.manifest import Profile

LITE, FULL = REPOSITORIES[Profile.LITE], REPOSITORIES[Profile.FULL]
OPTIONAL = {
    net
    for config in LITE.python_models.values()
    if "optional_manifests" in config.parameters
    for net in config.parameters["optional_manifests"].string_value.split(",")
}
"""Nets that a repository may lack."""

every_net = pytest.mark.parametrize("name", list(FULL.nets))


def test_all_but_the_nets_are_links_to_the_lite_repository() -> None:
    links = {path.name: os.readlink(path) for path in FULL.path.iterdir() if path.is_symlink()}
    others = set(LITE.configs) - set(LITE.nets)
    assert links == {name: str(Path("..", LITE.path.name, name)) for name in others}


def test_all_nets_are_there_and_nothing_else() -> None:
    folders = {path.name for path in FULL.path.iterdir() if not path.is_symlink()}
    assert folders == set(FULL.nets)
    assert set(LITE.nets) - OPTIONAL <= set(FULL.nets) <= set(LITE.nets)


def interface(config: ModelConfig) -> dict[str, tuple[str, int, int]]:
    """Side, data type and rank of every tensor."""
    return {
        entry.name: (side, entry.data_type, len(entry.dims))
        for side in ("input", "output")
        for entry in getattr(config, side)
    }


@every_net
def test_a_net_has_the_tensors_of_its_lite_sibling(name: str) -> None:
    assert interface(FULL.nets[name]) == interface(LITE.nets[name])
    assert FULL.nets[name].name == name
    assert (FULL.nets[name].max_batch_size > 0) == (LITE.nets[name].max_batch_size > 0)


@every_net
def test_a_net_says_its_instances_threads_and_batches(name: str) -> None:
    assert_counts_are_explicit(FULL.nets[name])
    assert_net_says_threads_and_batches(FULL.nets[name])


@pytest.mark.parametrize("name", list(FULL.ensembles))
def test_the_steps_fit_these_nets_too(name: str) -> None:
    assert_steps_fit(FULL.ensembles[name], FULL.configs)
