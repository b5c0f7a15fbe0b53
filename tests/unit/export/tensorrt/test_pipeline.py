"""Real inputs: the services' own steps, found and run without Triton."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from export.paths import PROJECT
from export.tensorrt.building import Inputs
from export.tensorrt.configs import net_folders, read_config
from export.tensorrt.errors import NotExported, PlanError
from export.tensorrt.pipeline import service_of, services, stage_class
from tests.repository.test_configs import PYTHON_MODELS, load_stage

REPOSITORY = PROJECT / "model_repository"
SAMPLES = PROJECT / "weights" / "samples"
PICTURES: Mapping[str, list[Path]] = {
    "ocr": [SAMPLES / "page.png"],
    "shelf_counting": [PROJECT / "client" / "samples" / "shelf.jpg"],
}
"""Few, and such that every net of the service has something to do."""


@pytest.mark.parametrize("name", list(PYTHON_MODELS))
def test_a_steps_stage_is_found_by_reading(name: str) -> None:
    assert stage_class(REPOSITORY / name / "1" / "model.py") is load_stage(name)


@pytest.mark.parametrize("service", services(REPOSITORY))
def test_every_net_of_a_service_receives_what_its_config_says(service: str) -> None:
    inputs = Inputs(REPOSITORY, PICTURES.get(service, [SAMPLES / "astronaut.png", SAMPLES / "chelsea.png"]))
    known = services(REPOSITORY)
    nets = [folder.name for folder in net_folders(REPOSITORY) if service_of(folder.name, known) == service]
    assert nets
    for net in nets:
        calls = inputs.calls(net)
        assert calls, f"{net} received nothing"
        config = read_config(REPOSITORY / net / "config.pbtxt")
        for call in calls:
            assert set(call) == {entry.name for entry in config.input}
            for entry in config.input:
                rows, *sides = call[entry.name].shape
                assert 1 <= rows <= config.max_batch_size
                assert all(dim in (-1, side) for dim, side in zip(entry.dims, sides, strict=True))
                assert call[entry.name].std() > 0, "a picture of one colour"


def test_no_pictures_is_no_success() -> None:
    with pytest.raises(NotExported, match="run `make samples`"):
        Inputs(REPOSITORY, []).calls("foreground_segmentation_net")


def test_a_net_of_no_service_is_refused() -> None:
    with pytest.raises(PlanError, match="stray_net"):
        service_of("stray_net", services(REPOSITORY))
