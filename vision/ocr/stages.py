"""The two steps of the OCR service around its detector."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest
from vision.ocr.crops import Corners, crop_line, upside_down
from vision.ocr.ctc import Line, decode_line, stack_ids
from vision.ocr.detection import Quads, find_boxes
from vision.ocr.recognition import batches, fit_line, pad_lines
from vision.ocr.settings import AngleSettings, DetectionSettings, RecognitionSettings
from vision.ocr.working import Geometry, map_picture, working_picture
from vision.picture import decode_image
from vision.tensors import Infer, Picture, Tensors

TEXT_CLASS = 1
TEXT_NAME = b"text"

_UPSIDE_DOWN = 1  # column of `angle_probs`


class OcrPreprocess:
    """`image` BYTES [1] to what the detector reads, and what lines are cut from."""

    def __init__(self, detection: Manifest) -> None:
        self._settings = detection.typed_settings(DetectionSettings)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` uint8 [h, w, 3], `picture` uint8 [H, W, 3], `geometry` float32 [6].

        Raises PictureError.
        """
        (payload,) = image
        picture, geometry = working_picture(decode_image(payload), self._settings)
        return {
            "pixels": map_picture(picture, self._settings),
            "picture": picture,
            "geometry": np.array(geometry, dtype=np.float32),
        }


class CutLine(NamedTuple):
    """One line cut from the picture, at the sizes that the two nets read."""

    pixels: Picture
    """[recognition height, width, 3]"""
    angle_pixels: Picture
    """[angle height, width, 3]"""
    corners: Corners
    """In the working picture, from the start of the line."""

    def turned(self) -> "CutLine":
        """Return the line turned by 180 degrees."""
        return CutLine(self.pixels[::-1, ::-1], self.angle_pixels[::-1, ::-1], upside_down(self.corners))


class OcrPostprocess:
    """The text map to lines: boxes, angle, text. Runs two nets itself, by batches of lines."""

    def __init__(self, detection: Manifest, angle: Manifest, recognition: Manifest) -> None:
        self._detection = detection.typed_settings(DetectionSettings)
        self._angle, self._angle_net = angle.typed_settings(AngleSettings), angle.net
        self._recognition = recognition.typed_settings(RecognitionSettings)
        self._recognition_net, self._labels = recognition.net, recognition.labels

    async def __call__(
        self,
        text_map: NDArray[np.float32],
        picture: Picture,
        geometry: NDArray[np.float32],
        infer: Infer,
    ) -> Tensors:
        """Return the answer for `text_map` [h, w] of `picture` [H, W, 3]; no lines give zero rows."""
        height, width = picture.shape[:2]
        boxes = find_boxes(text_map, height, width, self._detection)
        lines = [self._cut(picture, corners) for corners in boxes.corners]
        lines = await self._upright(lines, infer)
        texts = await self._read(lines, infer)
        kept = [index for index, text in enumerate(texts) if self._is_sure(text)]
        quads = np.array([lines[index].corners for index in kept], dtype=np.float32).reshape(-1, 4, 2)
        quads = Geometry(*geometry.tolist()).to_input(quads)
        return _answer(quads, boxes.scores[kept], [texts[index] for index in kept])

    def _cut(self, picture: Picture, corners: Corners) -> CutLine:
        line, corners = crop_line(picture, corners, self._detection.turn_ratio)
        return CutLine(
            fit_line(line, self._recognition.height, self._recognition.max_width),
            fit_line(line, self._angle.height, self._angle.width),
            corners,
        )

    async def _upright(self, lines: Sequence[CutLine], infer: Infer) -> list[CutLine]:
        """Return the lines, those turned that the angle net is sure are upside down."""
        step = self._angle.max_lines
        parts = [lines[start : start + step] for start in range(0, len(lines), step)]
        probs = await asyncio.gather(*(self._angle_probs(part, infer) for part in parts))
        turns = [row[_UPSIDE_DOWN] > self._angle.upside_down_threshold for part in probs for row in part]
        return [line.turned() if turn else line for line, turn in zip(lines, turns, strict=True)]

    async def _angle_probs(self, lines: Sequence[CutLine], infer: Infer) -> NDArray[np.float32]:
        batch = pad_lines([line.angle_pixels for line in lines], self._angle.width, self._angle.padding)
        return (await infer(self._angle_net, {"lines": batch}))["angle_probs"]

    async def _read(self, lines: Sequence[CutLine], infer: Infer) -> list[Line]:
        groups = list(batches([line.pixels.shape[1] for line in lines], self._recognition))
        parts = await asyncio.gather(
            *(
                self._read_batch([lines[index] for index in members], width, infer)
                for width, members in groups
            )
        )
        read = {
            index: text
            for (_, members), part in zip(groups, parts, strict=True)
            for index, text in zip(members, part, strict=True)
        }
        return [read[index] for index in range(len(lines))]

    async def _read_batch(self, lines: Sequence[CutLine], width: int, infer: Infer) -> list[Line]:
        batch = pad_lines([line.pixels for line in lines], width, self._recognition.padding)
        output = await infer(self._recognition_net, {"lines": batch})
        return [
            decode_line(ids, probs, self._labels)
            for ids, probs in zip(output["char_ids"], output["char_probs"], strict=True)
        ]

    def _is_sure(self, line: Line) -> bool:
        return bool(line.text.strip()) and line.score >= self._recognition.min_score


def _answer(quads: Quads, scores: NDArray[np.float32], lines: Sequence[Line]) -> Tensors:
    """Return the answer for lines with `quads` [n, 4, 2] of (x, y) in the input picture."""
    keypoints = np.ascontiguousarray(quads[..., ::-1])
    return {
        "detection_boxes": np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1),
        "detection_scores": scores,
        "detection_classes": np.full(len(lines), TEXT_CLASS, dtype=np.int32),
        "detection_class_names": np.full(len(lines), TEXT_NAME, dtype=np.object_),
        "detection_keypoints": keypoints,
        "detection_texts_ids": stack_ids([line.ids for line in lines]),
        "detection_texts": np.array([line.text.encode() for line in lines], dtype=np.object_),
        "detection_texts_scores": np.array([line.score for line in lines], dtype=np.float32),
    }
