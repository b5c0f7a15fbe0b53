"""What the peers run: the bare pipelines with the repository's numbers of threads, and the gateway's JSON."""

from pathlib import Path

import orjson
import pybase64
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from bench.peers.agreement import differing
from bench.peers.predictors import BATCHED, BatchPredictor, Predictor
from bench.speed import LOADS, jpegs
from evaluation.pipelines import REPOSITORY, configured_threads
from gateway.services import SERVICES
from modelhub_pictures.errors import InvalidBase64


def test_threads_are_those_of_every_net_s_config() -> None:
    nets = sorted(path.parent for path in REPOSITORY.glob("*_net/config.pbtxt"))
    assert nets
    for net in nets:
        config = text_format.Parse((net / "config.pbtxt").read_text(), ModelConfig())
        expected = int(config.parameters["intra_op_thread_count"].string_value)
        assert configured_threads(net.name) == expected


def test_answers_of_a_batch_are_those_of_each_picture_alone(sample_pictures: Path) -> None:
    assert sample_pictures.is_dir()
    texts = [pybase64.b64encode(image).decode() for image in jpegs(LOADS[BATCHED])]
    alone, together = Predictor(BATCHED), BatchPredictor()
    answers = [orjson.loads(answer) for answer in together(texts)]
    assert len({answer["class"] for answer in answers}) > 1
    for text, answer in zip(texts, answers, strict=True):
        assert differing(orjson.loads(alone(text)), answer) == []
        SERVICES[BATCHED].answer.model_validate(answer)


def test_a_pipeline_is_free_again_after_a_failure() -> None:
    answers = Predictor(BATCHED)
    for _ in range(3):
        with pytest.raises(InvalidBase64):
            answers("§§§§".encode("ascii", "replace").decode())
