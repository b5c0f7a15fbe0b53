"""The weights and the class names in a checkpoint, whichever way it was saved."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from export.errors import UnfitCheckpoint
from export.own.pickled import read_pickled
from export.own.unpickler import Array, Inert

State = dict[str, Array]
"""Weights by the names of PyTorch's `state_dict`."""

_HOLDERS = ("ema", "model", "state_dict", "model_state_dict")
"""Keys under which trainings save a net, the best first: YOLOv5 serves the moving average of its weights."""


class Checkpoint(NamedTuple):
    """What is used of a checkpoint; `names` are empty where it has none."""

    state: State
    names: tuple[str, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the net in a file, which holds a module, a state dict, or a dict that has one of them.

    Runs nothing that the file names. Raises UnfitCheckpoint, OSError.
    """
    found = read_pickled(path)
    if isinstance(found, Mapping):
        found = next((found[key] for key in _HOLDERS if isinstance(found.get(key), Mapping | Inert)), found)
    try:
        state = dict(_weights(found))
    except (RecursionError, TypeError):
        state = {}
    if not state:
        raise UnfitCheckpoint(f"{path.name}: holds no weights, neither a module nor a state dict")
    return Checkpoint(state, _names(found))


def without_prefix(state: State, landmark: str) -> State:
    """Return the part of `state` that one net is, under its own names: those of `landmark` and its siblings.

    Wrappers (data parallel training, a model in a model) put a prefix before every name. Without the landmark
    it is empty.
    """
    ends = [name for name in state if name == landmark or name.endswith(f".{landmark}")]
    if not ends:
        return {}
    prefix = min(ends, key=len).removesuffix(landmark)
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def _weights(found: object, prefix: str = "") -> Iterator[tuple[str, Array]]:
    """Yield the arrays of a state dict, or of a module and its parts, by name. Raises TypeError."""
    if isinstance(found, Inert):
        parts = [_mapping(found.attributes.get(kind, {})) for kind in ("_parameters", "_buffers")]
        modules = _mapping(found.attributes.get("_modules", {}))
    else:
        parts, modules = [_mapping(found)], {}
    for name, value in (item for part in parts for item in part.items()):
        if isinstance(value, np.ndarray):
            yield f"{prefix}{name}", value
    for name, module in modules.items():
        if module is not None:
            yield from _weights(module, f"{prefix}{name}.")


def _mapping(value: object) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise TypeError("neither a module nor a state dict")
    return value


def _names(found: object) -> tuple[str, ...]:
    """Return a module's class names, which YOLOv5 keeps as a list or by number."""
    names = found.attributes.get("names") if isinstance(found, Inert) else None
    values = names.values() if isinstance(names, Mapping) else names if isinstance(names, list) else ()
    texts = tuple(str(name) for name in values)
    return texts if len(set(texts)) == len(texts) else ()
