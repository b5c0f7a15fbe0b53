"""The 171 drinks that the drawn shelves sell: what each looks like, in words and in pixels.

Nineteen invented brands sell nine flavours each. A brand is an emblem, a label's layout and a colour; a
flavour is the colour of the drink; container, cap and accent are the product's own. All follows from
`CATALOGUE_SEED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

CATALOGUE_SEED = 191
"""Of thirty, the one whose most similar two products differ most."""
FLAVOURS_PER_BRAND = 9

Choice = TypeVar("Choice")
Colour = tuple[int, int, int]
"""RGB, 0 to 255."""


@dataclass(frozen=True)
class Shape:
    """A container. `profile` lists (height from the top, half width), both as shares of the sprite's own."""

    aspect: float
    """Width by height."""
    height: float
    """Its height by that of the tallest container."""
    cap: float
    """Where the cap ends, as a share of the height."""
    label: tuple[float, float]
    """Where the label begins and ends, as shares of the height."""
    profile: tuple[tuple[float, float], ...]
    flat: bool = False
    """A box; all else is round."""
    clear: bool = True
    """The drink shows beside the label."""


SHAPES = {
    "bottle": Shape(
        0.33,
        1.0,
        0.085,
        (0.42, 0.80),
        ((0, 0.38), (0.085, 0.38), (0.09, 0.31), (0.13, 0.33), (0.31, 0.96), (0.37, 1), (0.97, 1), (1, 0.93)),
    ),
    "slim": Shape(
        0.27,
        0.97,
        0.07,
        (0.52, 0.86),
        ((0, 0.40), (0.07, 0.40), (0.075, 0.33), (0.26, 0.38), (0.42, 0.95), (0.47, 1), (0.98, 1), (1, 0.95)),
    ),
    "jug": Shape(
        0.48,
        0.93,
        0.09,
        (0.40, 0.84),
        ((0, 0.27), (0.09, 0.27), (0.095, 0.22), (0.14, 0.25), (0.29, 0.92), (0.36, 1), (0.97, 1), (1, 0.94)),
    ),
    "waist": Shape(
        0.36,
        0.90,
        0.09,
        (0.34, 0.66),
        (
            (0, 0.42),
            (0.09, 0.42),
            (0.095, 0.35),
            (0.24, 0.94),
            (0.32, 1),
            (0.50, 0.80),
            (0.68, 1),
            (0.96, 1),
            (1, 0.9),
        ),
    ),
    "can": Shape(
        0.54,
        0.66,
        0.04,
        (0.08, 0.92),
        ((0, 0.80), (0.04, 0.84), (0.09, 1), (0.92, 1), (1, 0.82)),
        clear=False,
    ),
    "tall can": Shape(
        0.38,
        0.80,
        0.03,
        (0.07, 0.94),
        ((0, 0.76), (0.03, 0.80), (0.08, 1), (0.94, 1), (1, 0.82)),
        clear=False,
    ),
    "carton": Shape(
        0.42, 0.92, 0.05, (0.20, 1.0), ((0, 0.86), (0.05, 0.86), (0.2, 1), (1, 1)), flat=True, clear=False
    ),
    "brick": Shape(0.50, 0.74, 0.03, (0.06, 1.0), ((0, 1), (1, 1)), flat=True, clear=False),
}

BRANDS: dict[str, Colour] = {
    "Ambrelle": (200, 30, 40),
    "Bovanti": (20, 60, 160),
    "Corvessa": (25, 25, 30),
    "Dunmerry": (20, 110, 60),
    "Eldrano": (240, 240, 235),
    "Fizzara": (250, 190, 20),
    "Glimmel": (60, 190, 220),
    "Harlowin": (120, 40, 130),
    "Ivaluna": (240, 120, 160),
    "Jorvale": (110, 70, 40),
    "Kestrino": (240, 110, 20),
    "Lumareth": (150, 200, 50),
    "Marovine": (110, 15, 45),
    "Nimbrook": (150, 175, 200),
    "Ostrelia": (0, 130, 140),
    "Pellwyn": (225, 205, 165),
    "Quorissa": (85, 85, 190),
    "Rivandel": (205, 165, 60),
    "Solvaine": (70, 80, 90),
}

FLAVOURS: dict[str, Colour] = {
    "Spring Water": (205, 225, 235),
    "Green Tea": (150, 175, 60),
    "Black Tea": (120, 50, 20),
    "Jasmine": (225, 210, 120),
    "Cola": (50, 22, 15),
    "Orange": (250, 140, 20),
    "Lemon": (245, 225, 60),
    "Lime": (120, 205, 70),
    "Grape": (85, 30, 100),
    "Strawberry": (225, 60, 80),
    "Blueberry": (60, 65, 150),
    "Lychee": (245, 200, 205),
    "Ice Mint": (110, 215, 190),
    "Mango": (255, 175, 50),
    "Coffee": (100, 70, 50),
    "Oat Milk": (235, 225, 205),
    "Cherry": (165, 15, 35),
    "Sea Salt": (90, 170, 230),
    "Plum": (150, 60, 95),
}

LAYOUTS = ("band", "sleeve", "stripes", "panel", "column", "chevron", "halves")
EMBLEMS = ("disc", "ring", "diamond", "drop", "bars", "triangle", "cross")
CAPS: tuple[Colour, ...] = (
    (245, 245, 245),
    (200, 25, 35),
    (25, 70, 180),
    (20, 130, 60),
    (250, 190, 20),
    (30, 30, 30),
    (240, 120, 30),
    (130, 50, 150),
)
ACCENTS: tuple[Colour, ...] = (
    (255, 255, 255),
    (255, 215, 0),
    (20, 20, 25),
    (210, 20, 40),
    (0, 90, 190),
    (0, 140, 70),
    (255, 130, 0),
    (190, 60, 160),
)


@dataclass(frozen=True)
class Product:
    """One drink. `level` is how high it stands in a clear bottle, from the top, as a share of the height."""

    name: str
    brand: str
    shape: str
    layout: str
    emblem: str
    drink: Colour
    label: Colour
    accent: Colour
    cap: Colour
    level: float


@cache
def catalogue() -> tuple[Product, ...]:
    """Return the products in the order of their class numbers, 0 to 170; their names are all different."""
    rng = np.random.default_rng(CATALOGUE_SEED)
    layouts = _cycled(LAYOUTS, len(BRANDS), rng)
    emblems = _cycled(EMBLEMS, len(BRANDS), rng)
    products: list[Product] = []
    for (brand, colour), layout, emblem in zip(BRANDS.items(), layouts, emblems, strict=True):
        products += _range(brand, colour, layout, emblem, rng)
    return tuple(products)


def names() -> tuple[str, ...]:
    """Return the products' names in the order of their class numbers."""
    return tuple(product.name for product in catalogue())


def _range(
    brand: str, colour: Colour, layout: str, emblem: str, rng: np.random.Generator
) -> Sequence[Product]:
    """Return what one brand sells; containers and caps differ as much as nine of them can."""
    flavours = rng.permutation(list(FLAVOURS))[:FLAVOURS_PER_BRAND]
    shapes = _cycled(tuple(SHAPES), FLAVOURS_PER_BRAND, rng)
    caps = _cycled(CAPS, FLAVOURS_PER_BRAND, rng)
    accents = _cycled(_contrasting(colour), FLAVOURS_PER_BRAND, rng)
    return [
        Product(
            name=f"{brand} {flavour}",
            brand=brand,
            shape=shape,
            layout=layout,
            emblem=emblem,
            drink=FLAVOURS[flavour],
            label=colour,
            accent=accent,
            cap=cap,
            level=float(rng.uniform(0.14, 0.24)),
        )
        for flavour, shape, cap, accent in zip(flavours.tolist(), shapes, caps, accents, strict=True)
    ]


def _cycled(choices: Sequence[Choice], count: int, rng: np.random.Generator) -> list[Choice]:
    """Return `count` choices in random order, every one about as often."""
    order = np.concatenate([rng.permutation(len(choices)) for _ in range(-(-count // len(choices)))])
    return [choices[index] for index in order[:count]]


def _contrasting(colour: Colour) -> list[Colour]:
    """Return the accents that can be told from `colour`."""
    distances: NDArray[np.int_] = np.abs(np.array(ACCENTS) - np.array(colour)).sum(axis=1)
    return [accent for accent, distance in zip(ACCENTS, distances, strict=True) if distance > 200]
