"""What every converter of a PyTorch checkpoint does: puts the weights in, and makes an example to trace."""

import torch
from torch import Tensor, nn

from export.own.checkpoint import State

_BATCH = 2


def load(net: nn.Module, state: State) -> None:
    """Put a checkpoint's weights into the net, all of them; raises RuntimeError naming what differs."""
    net.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()}, strict=True)
    net.eval()


def noise(side: int) -> Tensor:
    """Return a batch of two pictures of noise, uint8 [2, side, side, 3], the same every time."""
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (_BATCH, side, side, 3), dtype=torch.uint8, generator=random)
