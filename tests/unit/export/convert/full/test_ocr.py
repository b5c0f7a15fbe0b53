"""PP-OCR's larger nets: the contract of their files, with stand-ins of other layers.

The published graphs are not held here: what is tested is that whatever has their inputs, outputs and metadata
becomes a net that the ensembles take.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

torch = pytest.importorskip("torch")

from export.conversion import Conversion  # noqa: E402
from export.convert.full import ocr  # noqa: E402
from export.convert.full.ocr import CHARACTERS, DETECTION_FILE, RECOGNITION_FILE  # noqa: E402
from export.convert.ocr_settings import DETECTION, RECOGNITION  # noqa: E402
from tests.unit.export.convert.full import served  # noqa: E402
from tests.unit.export.convert.full.conftest import Published  # noqa: E402
from vision.tensors import Picture  # noqa: E402

pytestmark = served.EXPORT_WARNS

OPSET = 11
SIDE = 64


@pytest.fixture(scope="module")
def files(published: Published) -> dict[str, Path]:
    return published({DETECTION_FILE: ocr.random_detection, RECOGNITION_FILE: ocr.random_recognition})


@pytest.fixture(scope="module")
def detection(files: dict[str, Path]) -> Conversion:
    return ocr.detection(files)


@pytest.fixture(scope="module")
def recognition(files: dict[str, Path]) -> Conversion:
    return ocr.recognition(files)


def source(path: Path, batch: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the file itself computes, fed as PP-OCR feeds it: BGR planes from -1 to 1."""
    planes = (batch[..., ::-1].astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    (values,) = session.run(None, {"x": np.ascontiguousarray(planes)})
    assert isinstance(values, np.ndarray)
    return values


def test_the_files_have_the_published_inputs_outputs_and_dictionary(files: dict[str, Path]) -> None:
    for name, height, metadata in ((DETECTION_FILE, "height", set()), (RECOGNITION_FILE, 48, {"character"})):
        model = onnx.load(files[name])
        (entry,), (output,) = model.graph.input, model.graph.output
        sides = entry.type.tensor_type.shape.dim
        assert (entry.name, output.name) == ("x", "fetch_name_0")
        assert [side.dim_param or side.dim_value for side in sides] == ["batch", 3, height, "width"]
        assert {one.key for one in model.metadata_props} == metadata
        assert model.opset_import[0].version == OPSET
    (characters,) = onnx.load(files[RECOGNITION_FILE]).metadata_props
    assert len(set(characters.value.splitlines())) == CHARACTERS


def test_the_graphs_fit_their_configs_and_are_of_plain_operators(
    detection: Conversion, recognition: Conversion
) -> None:
    served.assert_fits("ocr_detection_net", detection.model, SIDE, OPSET)
    served.assert_fits("ocr_recognition_net", recognition.model, SIDE, OPSET)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (160, 64)])
def test_the_detector_reads_rgb_bytes_of_any_size(
    files: dict[str, Path], detection: Conversion, height: int, width: int
) -> None:
    batch = served.pictures(height, width)
    computed = served.run(detection.model, batch)["text_map"]
    assert computed.shape == (3, height, width)
    served.assert_same(computed, source(files[DETECTION_FILE], batch)[:, 0])


@pytest.mark.parametrize("width", [320, 328, 480])
def test_the_recogniser_gives_the_best_character_of_each_step(
    files: dict[str, Path], recognition: Conversion, width: int
) -> None:
    batch = served.pictures(48, width)
    computed = served.run(recognition.model, batch)
    expected = source(files[RECOGNITION_FILE], batch)
    assert expected.shape == (3, width // RECOGNITION.width_step, CHARACTERS + 2)
    served.assert_same(computed["char_probs"], expected.max(axis=2))
    chosen = np.take_along_axis(expected, computed["char_ids"][..., None].astype(int), axis=2)[..., 0]
    np.testing.assert_allclose(chosen, expected.max(axis=2), rtol=1e-4)  # of nearly equal ones either


def test_a_picture_is_answered_the_same_in_a_batch_and_alone(
    detection: Conversion, recognition: Conversion
) -> None:
    served.assert_rows_stand_alone(detection.model, served.pictures(64, 96))
    together = served.run(recognition.model, served.pictures(48, 320))
    alone = [served.run(recognition.model, served.pictures(48, 320)[index : index + 1]) for index in range(3)]
    served.assert_same(together["char_probs"], np.concatenate([one["char_probs"] for one in alone]))


def test_labels_and_settings_are_those_of_the_small_nets(
    detection: Conversion, recognition: Conversion
) -> None:
    assert (detection.settings, recognition.settings) == (DETECTION, RECOGNITION)
    assert len(recognition.labels) == CHARACTERS + 2
    assert (recognition.labels[0], recognition.labels[-1]) == ("", " ")
