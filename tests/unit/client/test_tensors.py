"""What straight from Triton is answered, and what the gateway answers in its quicker ways: the same."""

import numpy as np
import orjson
import pytest

from gateway.errors import InternalFault
from gateway.responses import PiecewiseResponse, success
from gateway.services import SERVICES
from modelhub.http import FIELDS, PREFIX
from modelhub.kinds import FaultyOutput, plain
from modelhub.results import RESULTS
from modelhub.triton_protocol import INTERNAL_FAULT
from tests.unit.client.outputs import OUTPUTS, Outputs

every_service = pytest.mark.parametrize("service", OUTPUTS)


def by_the_gateway(service: str, outputs: Outputs) -> dict[str, object]:
    response = success("an id", SERVICES[service].render(outputs))
    answer: dict[str, object] = orjson.loads(
        b"".join(response.pieces()) if isinstance(response, PiecewiseResponse) else response.body
    )
    return answer


@every_service
def test_the_fields_of_requests_are_the_gateways(service: str) -> None:
    """Of a picture the gateway takes two fields; which of them the contract documents, differs."""
    alternatives = SERVICES[service].request.alternatives
    assert [set(pair) for pair in alternatives] == [set(pair) for pair in FIELDS[len(alternatives)]]
    assert RESULTS[service].service.pictures == tuple(file for file, _ in FIELDS[len(alternatives)])
    assert f"{PREFIX}{service}" == f"/api/predict/{service}"


@every_service
@pytest.mark.parametrize("seed", range(20))
def test_tensors_become_the_gateways_answer(service: str, seed: int) -> None:
    outputs = OUTPUTS[service](np.random.default_rng(seed))
    answer = {"request_id": "an id", "success": True} | plain(RESULTS[service].render(outputs))
    assert list(answer.items()) == list(by_the_gateway(service, outputs).items())


@pytest.mark.parametrize("wild", [np.nan, np.inf])
@pytest.mark.parametrize(
    "service", ["image_classification", "image_similarity", "ocr", "semantic_segmentation"]
)
def test_numbers_that_are_not_finite_are_a_fault(service: str, wild: float) -> None:
    for seed in range(9):
        outputs = OUTPUTS[service](np.random.default_rng(seed))
        hurt = [array for array in outputs.values() if array.dtype == np.float32 and array.size]
        for array in hurt:
            whole = array.copy()
            array.flat[-1] = wild
            with pytest.raises(FaultyOutput):
                RESULTS[service].render(outputs)
            with pytest.raises(InternalFault):
                SERVICES[service].render(outputs)
            array[:] = whole


def test_a_label_that_stands_twice_is_a_fault() -> None:
    outputs = OUTPUTS["image_classification"](np.random.default_rng(1))
    outputs["class_probs"] = outputs["class_probs"][:, :2]
    outputs["class_labels"].fill(b"crane\ncrane")
    with pytest.raises(InternalFault):
        SERVICES["image_classification"].render(outputs)
    with pytest.raises(FaultyOutput):
        RESULTS["image_classification"].render(outputs)
    assert InternalFault.code == INTERNAL_FAULT
