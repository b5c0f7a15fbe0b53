"""Lines cut from a picture to texts: each in the direction of its page, and where in doubt in others, too."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.manifest import Manifest
from vision.ocr.crops import Corners, crop_size, started
from vision.ocr.ctc import Line, Steps, decode_line, join_pieces
from vision.ocr.direction import HALF, Sizes, may_stand_or_lie, share_upside_down, standing, surest, witnesses
from vision.ocr.recognition import batches, fit_line, pad_lines, piece_stride, pieces
from vision.ocr.settings import AngleSettings, RecognitionSettings
from vision.tensors import Infer, Picture

_UPSIDE_DOWN = 1  # column of `angle_probs`


class Region(NamedTuple):
    """A part of a picture that holds a line, of unknown direction."""

    pixels: Picture
    corners: Corners


def beginning(region: Region, ratio: int) -> Region:
    """Return the left or upper part of a region, at most `ratio` times longer than it is wide."""
    most = ratio * min(region.pixels.shape[:2])
    return Region(region.pixels[:most, :most], region.corners)


class ReadLine(NamedTuple):
    """A line as read, and its corners from where the reading starts."""

    line: Line
    corners: Corners


class Reader:
    """Reads lines, in the direction of their page and of themselves."""

    def __init__(self, angle: Manifest, recognition: Manifest) -> None:
        self._angle, self._angle_net = angle.typed_settings(AngleSettings), angle.net
        self._recognition = recognition.typed_settings(RecognitionSettings)
        self._recognition_net, self._labels = recognition.net, recognition.labels

    async def read(self, regions: Sequence[Region], infer: Infer) -> list[ReadLine]:
        """Return what each region of one page says."""
        if not regions:
            return []
        page = _Page(self, regions, infer)
        directions = standing(page.sizes, self._angle).astype(int)
        probs = await self.upside_down(regions, directions, infer)
        for quarter in (0, 1):
            members = np.flatnonzero(directions == quarter)
            if len(members) and await page.is_turned(members, quarter, probs[members], self._angle):
                directions[members] += HALF
        readings = await page.surest_readings(directions, self._angle)
        return [
            ReadLine(line, started(region.corners, direction))
            for region, (direction, line) in zip(regions, readings, strict=True)
        ]

    async def upside_down(
        self, regions: Sequence[Region], directions: NDArray[np.int_], infer: Infer
    ) -> NDArray[np.float32]:
        """Return by how much the angle net holds each region, turned by `directions`, for upside down."""
        views = [
            fit_line(np.rot90(region.pixels, direction), self._angle.height, self._angle.width)
            for region, direction in zip(regions, directions, strict=True)
        ]
        step = self._angle.max_lines
        parts = [views[start : start + step] for start in range(0, len(views), step)]
        padded = (pad_lines(part, self._angle.width, self._angle.padding) for part in parts)
        answers = await asyncio.gather(*(infer(self._angle_net, {"lines": batch}) for batch in padded))
        return np.concatenate([answer["angle_probs"][:, _UPSIDE_DOWN] for answer in answers])

    async def texts(self, lines: Sequence[Picture], infer: Infer) -> list[Line]:
        """Return what lines of the recogniser's height say, a long one read in pieces."""
        parts = [pieces(line, self._recognition) for line in lines]
        steps = iter(await self._steps([piece for part in parts for piece in part], infer))
        stride = piece_stride(self._recognition)
        joined = (join_pieces([next(steps) for _ in part], stride) for part in parts)
        return [decode_line(line, self._labels) for line in joined]

    async def _steps(self, lines: Sequence[Picture], infer: Infer) -> list[Steps]:
        groups = list(batches([line.shape[1] for line in lines], self._recognition))
        answers = await asyncio.gather(
            *(self._batch([lines[index] for index in members], width, infer) for width, members in groups)
        )
        read = {
            index: steps
            for (_, members), answer in zip(groups, answers, strict=True)
            for index, steps in zip(members, answer, strict=True)
        }
        return [read[index] for index in range(len(lines))]

    async def _batch(self, lines: Sequence[Picture], width: int, infer: Infer) -> list[Steps]:
        batch = pad_lines(lines, width, self._recognition.padding)
        output = await infer(self._recognition_net, {"lines": batch})
        return [
            Steps(ids, probs) for ids, probs in zip(output["char_ids"], output["char_probs"], strict=True)
        ]

    def view(self, region: Region, direction: int) -> Picture:
        """Return a region as the recogniser reads it in a direction."""
        line = fit_line(np.rot90(region.pixels, direction % HALF), self._recognition.height)
        return line if direction < HALF else line[::-1, ::-1]


class _Page:
    """The regions of one picture, and what was read in them so far."""

    def __init__(self, reader: Reader, regions: Sequence[Region], infer: Infer) -> None:
        self._reader, self._regions, self._infer = reader, regions, infer
        self._readings: dict[int, dict[int, Line]] = {index: {} for index in range(len(regions))}
        self.sizes: Sizes = np.array([crop_size(region.corners) for region in regions])

    async def is_turned(
        self, members: NDArray[np.intp], direction: int, probs: NDArray[np.float32], settings: AngleSettings
    ) -> bool:
        """Return whether lines of one axis stand on their head, most of them, when turned by `direction`.

        The angle net is believed where it finds most upright. Otherwise, or where most are read badly, some
        are read both ways.
        """
        if share_upside_down(probs, self.sizes[members], settings) <= settings.most_turned:
            await self._read((index, direction) for index in members)
            scores = [self._readings[index][direction].score for index in members]
            if np.median(scores) >= settings.doubtful_score:
                return False
        chosen = [self._regions[index] for index in members[witnesses(self.sizes[members], settings)]]
        parts = [beginning(region, settings.witness_ratio) for region in chosen]
        views = [self._reader.view(part, way) for way in (direction, direction + HALF) for part in parts]
        scores = [line.score for line in await self._reader.texts(views, self._infer)]
        return sum(scores[len(parts) :]) > sum(scores[: len(parts)])

    async def surest_readings(
        self, directions: NDArray[np.int_], settings: AngleSettings
    ) -> list[tuple[int, Line]]:
        """Return direction and text of each line, which its page would have read in `directions`."""
        firsts = directions.tolist()
        await self._read(enumerate(firsts))
        either = may_stand_or_lie(self.sizes, settings)
        await self._read(
            (index, (direction + turn) % (2 * HALF))
            for index, direction in enumerate(firsts)
            if self._readings[index][direction].score < settings.doubtful_score
            for turn in ((1, HALF, 3) if either[index] else (HALF,))
        )
        ways = [surest(self._readings[index], direction, settings) for index, direction in enumerate(firsts)]
        return [(way, self._readings[index][way]) for index, way in enumerate(ways)]

    async def _read(self, wanted: Iterable[tuple[int, int]]) -> None:
        """Read lines in directions, unless that was done."""
        missing = [(index, way) for index, way in wanted if way not in self._readings[index]]
        views = [self._reader.view(self._regions[index], way) for index, way in missing]
        for (index, way), line in zip(missing, await self._reader.texts(views, self._infer), strict=True):
            self._readings[index][way] = line
