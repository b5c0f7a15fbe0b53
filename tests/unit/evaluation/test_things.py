"""Things that people outlined: polygons filled, and classes that are one thing."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation import things
from evaluation.labelled import IGNORED, Labelled
from evaluation.things import VOC_OF_COCO, coco_things, lone_things
from export.convert.coco import COCO_CLASSES

DOG, PERSON = VOC_OF_COCO["dog"], VOC_OF_COCO["person"]


def test_every_class_of_voc_is_a_class_of_coco() -> None:
    assert sorted(VOC_OF_COCO.values()) == list(range(1, 21))
    assert set(VOC_OF_COCO) <= set(COCO_CLASSES.values())


def test_a_class_is_one_thing_where_nearly_all_of_it_hangs_together(tmp_path: Path) -> None:
    labels = np.full((20, 30), IGNORED, dtype=np.uint8)
    labels[2:12, 3:13] = DOG
    labels[15:17, 0:2] = DOG  # 4 of 104 pixels
    labels[0, 20:30] = labels[19, 20:30] = PERSON
    (tmp_path / "masks").mkdir()
    Image.fromarray(labels).save(tmp_path / "masks" / "one.png")
    (thing,) = lone_things(Labelled("voc", tmp_path / "images" / "one.jpg"))
    assert (thing.name, thing.box) == ("dog", (2, 3, 12, 13))
    assert thing.mask is not None
    assert thing.mask.sum() == thing.mask[2:12, 3:13].sum() == 100


def test_polygons_are_filled_and_what_has_none_has_no_mask(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    objects = [
        {"name": "dog", "bbox": [2, 4, 5, 3], "crowd": 0, "poly": [[2, 4, 6, 4, 6, 6, 2, 6], [9, 9, 9, 9]]},
        {"name": "cat", "bbox": [0, 0, 1, 1], "crowd": 1, "poly": None},
    ]
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco" / "objects.json").write_text(json.dumps({"7": {"w": 12, "h": 10, "objects": objects}}))
    monkeypatch.setattr(things, "FOLDER", tmp_path)
    things._coco.cache_clear()
    dog, cat = coco_things(Labelled("coco", tmp_path / "7.jpg"))
    things._coco.cache_clear()
    assert (dog.box, dog.is_crowd, cat.mask, cat.is_crowd) == ((4, 2, 7, 7), False, None, True)
    assert dog.mask is not None
    assert dog.mask.shape == (10, 12)
    assert dog.mask[4:7, 2:7].all()
    assert dog.mask.sum() == 16  # and the point
