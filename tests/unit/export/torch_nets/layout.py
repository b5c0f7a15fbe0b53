"""What a checkpoint's layout is, and nets whose weights are random but the same every time."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

from torch.nn import Module

from export.torch_nets.random_weights import set_random_weights

Net = TypeVar("Net", bound=Module)


def layout(state: Mapping[str, Any]) -> str:
    """SHA-256 of a state dict's names, shapes and types, a line each, in its order."""
    lines = (f"{name} {tuple(tensor.shape)} {tensor.dtype}" for name, tensor in state.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def assert_shapes(state: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]]) -> None:
    """The tensors that are named have these shapes; others may be there."""
    assert {name: tuple(state[name].shape) for name in expected} == expected


def seeded(net: Net) -> Net:
    """Return the net itself, as it is served, with random weights."""
    net.eval()
    set_random_weights(net)
    return net
