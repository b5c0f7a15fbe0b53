"""The checkpoints: which file, of which package or publisher, becomes which net of which profile.

A new net is a new row in `export/lite_nets.py` or `export/full_nets.py`; what is known about the inside of a
checkpoint stands in its converter.
"""

from export.full_nets import FULL_NETS
from export.lite_nets import LITE_NETS
from export.sources import Extra, File, Package

NETS = (*LITE_NETS, *FULL_NETS)

# Of these two only pictures are read, so one platform's wheel serves every machine.
_SKIMAGE = Package("scikit-image", "0.26.0", ("--python-version=3.11", "--platform=manylinux_2_28_x86_64"))
_SKLEARN = Package("scikit-learn", "0.19.2", ("--python-version=3.6", "--platform=manylinux1_x86_64"))
_NOTO = Package("cvttf-notosanscjk-regular", "1.0")


def _skimage(name: str, sha256: str, size: int, licence: str) -> Extra:
    return Extra("samples", File(_SKIMAGE, f"skimage/data/{name}", sha256, size, licence))


def _sklearn(name: str, sha256: str, size: int, author: str) -> Extra:
    licence = f"CC-BY-2.0, {author}"
    return Extra("samples", File(_SKLEARN, f"sklearn/datasets/images/{name}", sha256, size, licence))


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
