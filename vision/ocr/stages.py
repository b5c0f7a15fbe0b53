"""The two steps of the OCR service around its detector."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest
from vision.ocr.crops import crop_line
from vision.ocr.ctc import Line, stack_ids
from vision.ocr.detection import Quads, find_boxes
from vision.ocr.ground import contrasting_ground
from vision.ocr.reader import Reader, Region
from vision.ocr.settings import DetectionSettings, RecognitionSettings
from vision.ocr.tiles import refined
from vision.ocr.working import Geometry, is_large, map_picture, working_picture
from vision.picture import decode_image
from vision.tensors import Infer, Picture, Tensors

TEXT_CLASS = 1
TEXT_NAME = b"text"


class OcrPreprocess:
    """`image` BYTES [1] to what the detector reads, and what lines are cut from."""

    def __init__(self, detection: Manifest) -> None:
        self._settings = detection.typed_settings(DetectionSettings)

    def __call__(self, image: NDArray[np.object_]) -> Tensors:
        """Return `pixels` uint8 [h, w, 3], `picture` uint8 [H, W, 3], `geometry` float32 [6].

        Raises PictureError.
        """
        (payload,) = image
        picture, geometry = working_picture(decode_image(payload, ground=contrasting_ground), self._settings)
        return {
            "pixels": map_picture(picture, self._settings),
            "picture": picture,
            "geometry": np.array(geometry, dtype=np.float32),
        }


class OcrPostprocess:
    """The text map to lines: boxes, direction, text. Runs nets itself, by tiles and by batches of lines."""

    def __init__(self, detection: Manifest, angle: Manifest, recognition: Manifest) -> None:
        self._detection, self._detection_net = detection.typed_settings(DetectionSettings), detection.net
        self._recognition = recognition.typed_settings(RecognitionSettings)
        self._reader = Reader(angle, recognition)

    async def __call__(
        self,
        text_map: NDArray[np.float32],
        picture: Picture,
        geometry: NDArray[np.float32],
        infer: Infer,
    ) -> Tensors:
        """Return the answer for `text_map` [h, w] of `picture` [H, W, 3]; no lines give zero rows."""
        height, width = picture.shape[:2]
        large = is_large(height, width, self._detection)
        if large:
            text_map = await refined(text_map, picture, self._detection, self._detection_net, infer)
        boxes = find_boxes(text_map, height, width, self._detection)
        least = self._recognition.height if large else None
        lines = [Region(crop_line(picture, corners, least), corners) for corners in boxes.corners]
        read = await self._reader.read(lines, infer)
        kept = [index for index, one in enumerate(read) if self._is_sure(one.line)]
        quads = np.array([read[index].corners for index in kept], dtype=np.float32).reshape(-1, 4, 2)
        quads = Geometry(*geometry.tolist()).to_input(quads)
        return _answer(quads, boxes.scores[kept], [read[index].line for index in kept])

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
