"""What every training shares: seeds, steps with a progress bar, checkpoints from which a killed run goes on.

    run = Run("semantic_segmentation", {"net": net, "optimiser": optimiser, "average": average}, steps=4000)
    for step in run:                      # begins where the last checkpoint stopped
        loss = ...
        run.report(loss=loss.item())

A training is repeatable on one machine and one number of threads: every step draws its data
from `generator(seed, step)`.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from training.blocks import freeze_statistics
from training.files import work_folder

CHECKPOINT_EVERY_S = 120.0
REPORT_EVERY = 50
SMOOTHING = 0.98
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
AVERAGE_DECAY = 0.998
"""Share of the average of weights that stays as it is at a step."""


class Stateful(Protocol):
    """A part of a training that a checkpoint keeps: net, optimiser, average."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that going on needs."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any:  # noqa: ANN401 - torch's modules return names
        """Take it back."""
        ...


def generator(seed: int, step: int) -> np.random.Generator:
    """Return the random numbers of one step, whether or not the steps before it ran in this process."""
    return np.random.default_rng((seed, step))


def cosine_rate(step: int, steps: int, peak: float, warm_up: int = 100) -> float:
    """Return the learning rate of `step`: a linear rise to `peak`, then half a cosine down to a hundredth."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give every group of parameters `rate` times its own `scale` (1 where it names none)."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


class Average:
    """The exponential moving average of a net's weights: what is served in the end."""

    def __init__(self, net: nn.Module, decay: float = AVERAGE_DECAY) -> None:
        self.net = deepcopy(net).eval().requires_grad_(False)
        self._decay = decay
        self._updates = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take in the weights after a step; the first steps weigh more, so that the start is forgotten."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        for ours, theirs in zip(self.net.state_dict().values(), net.state_dict().values(), strict=True):
            if ours.dtype.is_floating_point:
                ours.lerp_(theirs, 1 - decay)
            else:
                ours.copy_(theirs)

    def state_dict(self) -> dict[str, Any]:
        """Return weights and number of updates."""
        return {"net": self.net.state_dict(), "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Take them back."""
        self.net.load_state_dict(state["net"])
        self._updates = state["updates"]


class Run:
    """The steps of one training, from its last checkpoint to its end."""

    def __init__(self, name: str, parts: Mapping[str, Stateful], steps: int, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self._name, self._parts, self.steps = name, parts, steps
        self._checkpoint = work_folder(name) / "checkpoint.pt"
        self._first = self._resume()
        self._console = Console(stderr=True)
        self._means: dict[str, float] = {}

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the steps that are left; keep a checkpoint now and then and at the end."""
        saved = started = time.monotonic()
        with self._progress() as progress:
            task = progress.add_task(self._name, total=self.steps, completed=self._first, figures="")
            for step in range(self._first, self.steps):
                yield step
                progress.update(task, completed=step + 1, figures=self._figures())
                if (step + 1) % REPORT_EVERY == 0 and not self._console.is_terminal:
                    passed = time.monotonic() - started
                    self._console.print(f"{step + 1}/{self.steps} {passed:.0f} s {self._figures()}")
                if time.monotonic() - saved > CHECKPOINT_EVERY_S:
                    self._save(step + 1)
                    saved = time.monotonic()
        self._save(self.steps)

    def report(self, **figures: float) -> None:
        """Show running means of `figures`; raises FloatingPointError for one that is not finite."""
        for name, value in figures.items():
            if not math.isfinite(value):
                raise FloatingPointError(f"{self._name}: {name} is {value}; the last checkpoint is kept")
            self._means[name] = SMOOTHING * self._means.get(name, value) + (1 - SMOOTHING) * value

    def _figures(self) -> str:
        return "  ".join(f"{name} {value:.4f}" for name, value in self._means.items())

    def _progress(self) -> Progress:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        return Progress(*columns, console=self._console, disable=not self._console.is_terminal)

    def _resume(self) -> int:
        if not self._checkpoint.exists():
            return 0
        kept = torch.load(self._checkpoint, DEVICE, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(kept["parts"][name])
        return int(kept["step"])

    def _save(self, step: int) -> None:
        draft = self._checkpoint.with_suffix(".new")
        torch.save(
            {"step": step, "parts": {name: part.state_dict() for name, part in self._parts.items()}}, draft
        )
        draft.replace(self._checkpoint)


class Plan(NamedTuple):
    """What a training is called, how long it is, and how fast it learns."""

    name: str
    steps: int
    seed: int
    peak_rate: float
    weight_decay: float
    backbone_scale: float = 1.0
    """Of the rate: a pretrained backbone that is trained along learns more slowly."""
    average_decay: float = AVERAGE_DECAY
    longest_gradient: float = math.inf
    """What a step's gradient is shortened to where it is longer."""


class Fitting:
    """A net on its way along a plan, with its optimiser, its average and its checkpoints.

    fitting = Fitting(plan, net)
    for random in fitting:
        fitting.learn(loss_of(net, random))
    """

    def __init__(self, plan: Plan, net: nn.Module) -> None:
        self._plan, self._net = plan, net.to(DEVICE)
        self._optimiser = torch.optim.AdamW(_groups(plan, net), weight_decay=plan.weight_decay)
        self._average = Average(net, plan.average_decay)
        parts: dict[str, Stateful] = {"net": net, "optimiser": self._optimiser, "average": self._average}
        self._run = Run(plan.name, parts, plan.steps, plan.seed)

    def __iter__(self) -> Iterator[np.random.Generator]:
        """Yield the random numbers of each step that is left; the rate is set, the net in training."""
        self._net.train()
        if hasattr(self._net, "backbone"):
            freeze_statistics(self._net.backbone)
        for step in self._run:
            set_rate(self._optimiser, cosine_rate(step, self._plan.steps, self._plan.peak_rate))
            yield generator(self._plan.seed, step)

    def learn(self, loss: Tensor, /, **figures: float) -> None:
        """Take the step down `loss`, and show it and `figures` of it.

        Raises FloatingPointError for one that is not finite.
        """
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self._plan.longest_gradient < math.inf:
            nn.utils.clip_grad_norm_(self._net.parameters(), self._plan.longest_gradient)
        self._optimiser.step()
        self._average.update(self._net)
        self._run.report(loss=loss.item(), **figures)


def fit(plan: Plan, net: nn.Module, loss_of: Callable[[np.random.Generator], Tensor]) -> None:
    """Train `net` and keep its weights and their average; `loss_of` takes a step's random numbers."""
    net.to(memory_format=torch.channels_last)
    fitting = Fitting(plan, net)
    for random in fitting:
        fitting.learn(loss_of(random))


def _groups(plan: Plan, net: nn.Module) -> list[dict[str, Any]]:
    """Return the parameters of the backbone, if there is one, and all others, each with its rate's scale."""
    named = list(net.named_parameters())
    pretrained = [one for name, one in named if name.startswith("backbone.")]
    ours = [one for name, one in named if not name.startswith("backbone.")]
    groups = [{"params": pretrained, "scale": plan.backbone_scale}, {"params": ours, "scale": 1.0}]
    return [group for group in groups if group["params"]]


def trained(name: str, net: nn.Module) -> nn.Module:
    """Load the averaged weights that the training `name` kept last into `net`; return it for inference."""
    net.load_state_dict(kept(name)["average"]["net"])
    return net.eval()


def kept(name: str) -> dict[str, Any]:
    """Return the states of the parts that the training `name` kept last."""
    path: Path = work_folder(name) / "checkpoint.pt"
    parts: dict[str, Any] = torch.load(path, "cpu", weights_only=True)["parts"]
    return parts


def as_batch(pictures: list[np.ndarray[Any, Any]]) -> Tensor:
    """Return pictures uint8 [H, W, 3] of one size as a batch."""
    return torch.from_numpy(np.stack(pictures))


def steps_and_threads(purpose: str, steps: int) -> int:
    """Return the steps that the command line asks for, and set the threads that it names."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    choices = parser.parse_args()
    torch.set_num_threads(choices.threads)
    return int(choices.steps)
