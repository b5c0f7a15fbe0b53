"""A Triton in this process, and answers for it to give."""

import asyncio
import time
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gateway.errors import DeadlinePassed
from modelhub.kinds import Tensors

Value = TypeVar("Value")

LABELS = ("tench", "goldfish", "great white shark")


class FakeTriton:
    """Answers from `outputs`, or raises what it finds there.

    While `hangs` is set it does not answer. When that is unset, or at the deadline, the deadline has passed.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, Tensors | Exception] = {
            "image_classification": classification(),
            "ocr": ocr(["Hello", "你好"]),
        }
        self.loaded: frozenset[str] | Exception = frozenset(self.outputs)
        self.hangs = False
        self.calls: list[tuple[str, Tensors, str, float]] = []
        self.running = 0
        self.cancelled = 0
        self.closed = False

    async def infer(self, model: str, inputs: Tensors, request_id: str, timeout_s: float) -> Tensors:
        self.calls.append((model, inputs, request_id, timeout_s))
        self.running += 1
        try:
            await self._work(timeout_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return _or_raise(self.outputs[model])

    async def loaded_models(self, models: Iterable[str]) -> frozenset[str]:
        return _or_raise(self.loaded).intersection(models)

    async def close(self) -> None:
        self.closed = True

    async def _work(self, timeout_s: float) -> None:
        await asyncio.sleep(0)
        if self.hangs:
            ends_at = time.monotonic() + timeout_s
            while self.hangs and time.monotonic() < ends_at:
                await asyncio.sleep(0.005)
            raise DeadlinePassed


def _or_raise(value: Value | Exception) -> Value:
    if isinstance(value, Exception):
        raise value
    return value


def strings(*texts: str, shape: tuple[int, ...] | None = None) -> NDArray[np.object_]:
    tensor = np.empty(len(texts), dtype=np.object_)
    tensor[:] = [text.encode() for text in texts]
    return tensor.reshape(shape) if shape else tensor


def classification(
    probs: tuple[float, ...] = (0.125, 0.75, 0.1), labels: tuple[str, ...] = LABELS
) -> Tensors:
    best = int(np.argmax(probs))
    return {
        "class": np.array([[best]], dtype=np.int32),
        "class_name": strings(labels[best], shape=(1, 1)),
        "class_probs": np.array([probs], dtype=np.float32),
        "class_labels": strings("\n".join(labels), shape=(1, 1)),
    }


def ocr(texts: list[str]) -> Tensors:
    n = len(texts)
    longest = max(map(len, texts), default=0)
    box = np.array([1.5, 2, 30, 40], dtype=np.float32)
    corners = np.array([[1.5, 2], [1.5, 40], [30, 40], [30, 2]], dtype=np.float32)
    return {
        "detection_boxes": np.tile(box, (n, 1)),
        "detection_scores": np.full(n, 0.9, dtype=np.float32),
        "detection_classes": np.ones(n, dtype=np.int32),
        "detection_class_names": strings(*["text"] * n),
        "detection_keypoints": np.tile(corners, (n, 1, 1)),
        "detection_texts_ids": np.zeros((n, longest), dtype=np.int32),
        "detection_texts": strings(*texts),
        "detection_texts_scores": np.full(n, 0.8, dtype=np.float32),
    }
