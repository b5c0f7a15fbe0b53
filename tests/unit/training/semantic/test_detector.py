"""The detector as a torch module computes what the exported net computes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import onnxruntime as ort  # noqa: E402

from export.convert.object_detection import SIZE  # noqa: E402
from export.paths import PROJECT  # noqa: E402
from training.detector import NET, VOC_COLUMNS, Detector  # noqa: E402

FILE = PROJECT / "model_repository" / NET / "1" / "model.onnx"


@pytest.mark.skipif(not FILE.is_file(), reason="needs the exported detector: make export")
def test_it_finds_what_the_exported_net_finds() -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (2, 10, 10, 3)).repeat(SIZE // 10, axis=1).repeat(SIZE // 10, axis=2)
    session = ort.InferenceSession(FILE, providers=["CPUExecutionProvider"])
    boxes, scores = session.run(["boxes", "class_scores"], {"pixels": pixels.astype(np.float32)})
    detector = Detector(SIZE)
    with torch.no_grad():
        _, middle, deep = detector.features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1)
        found = detector.detections(middle, deep)
    np.testing.assert_allclose(found.boxes.numpy(), boxes[:, :, 0], atol=1e-3)
    np.testing.assert_allclose(found.scores.numpy(), scores[:, :, VOC_COLUMNS], atol=1e-3)
