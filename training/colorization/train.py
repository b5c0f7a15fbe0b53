"""Trains the colouring net in NoGAN's manner: colours and features first, a short adversarial phase last.

    .venv-training/bin/python -m training.colorization.train

Killed, it goes on from its last checkpoint. `training.colorization.evaluate` measures the result,
`training.colorization.export` writes it to `trained/`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.colorization.colour import CHROMA, coloured, luma, mixed
from training.colorization.critic import Critic, critic_loss
from training.colorization.losses import Perception, distance_loss
from training.colorization.net import ColourNet
from training.colorization.palette import RAREST, choice_loss, frequencies, painted, weights_of
from training.colorization.pictures import crops, stored_photos
from training.files import work_folder
from training.loop import Average, Run, cosine_rate, generator, kept, set_rate

FEATURES, ADVERSARIAL = "colorization", "colorization_adversarial"
"""The two phases, as their checkpoints are named."""
CYCLES = (1600, 6000)
"""Steps at which the first phase's rate has fallen; after the first of them it is raised again."""
BATCH = 8
SIDE, LAST_SIDE = 128, 160
"""Of the crops, at first and in the end."""
LAST_SIDE_FROM = 0.7
"""Share of a cycle's steps after which crops are larger; they stay so in the second."""
RATE = 1.5e-3
ENCODER_SCALE = 0.3
DECAY = 0.03
PERCEIVED = 4
"""Pictures of a batch that the perceptual loss looks at: it is dear."""
PERCEPTION_WEIGHT = 1.0
SHARPNESS = 2.0
"""With which pictures are painted in training."""
LONGEST_GRADIENT = 5.0
CRITIC_STEPS, ADVERSARIAL_STEPS = 100, 600
"""The critic alone first, as NoGAN has it, then both."""
ADVERSARIAL_RATE = 2e-4
CRITIC_RATE = 4e-4
CRITIC_WEIGHT = 0.05
DISTANCE_WEIGHT = 0.1
"""Per unit of Lab, in the second phase: what was learned of probabilities is bent towards what is painted."""

Module = TypeVar("Module", bound=nn.Module)


class Batch(NamedTuple):
    """Crops at half their size: what the net says of their colours, and RGB [B, 3, h, w], ours and true."""

    logits: Tensor
    ours: Tensor
    truth: Tensor


class Trainer:
    """The net, its losses, and one step of it."""

    def __init__(self, net: ColourNet) -> None:
        self.net = _fast(net)
        self.optimiser = optimiser_of(net)
        self.average = Average(net)
        self._perception = _fast(Perception())
        self._photos = stored_photos()
        self._weights = weights_of(frequencies(self._photos))

    def colour(self, random: np.random.Generator, side: int) -> Batch:
        """Return new crops as the net colours them, and as they are."""
        grey, truth = halved(torch.from_numpy(crops(self._photos, BATCH, side, random)))
        logits = self.net(grey)
        return Batch(logits, coloured(luma(truth), painted(logits, SHARPNESS)), truth)

    def learn(self, batch: Batch, rate: float, extra: Tensor | float = 0.0) -> dict[str, float]:
        """Take a step down the loss of `batch`, to which `extra` is added; return figures of it."""
        loss = choice_loss(batch.logits, mixed(batch.truth, CHROMA), self._weights)
        seen = self._perception(batch.ours[:PERCEIVED], batch.truth[:PERCEIVED])
        set_rate(self.optimiser, rate)
        self.optimiser.zero_grad()
        (loss + PERCEPTION_WEIGHT * seen + extra).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), LONGEST_GRADIENT)
        self.optimiser.step()
        self.average.update(self.net)
        return {"loss": loss.item(), "seen": seen.item()}


def train_on_features(end: int) -> None:
    """Run one cycle of the first phase, up to step `end`, and keep its averaged weights."""
    net = ColourNet()
    with torch.no_grad():  # begins with what is known without looking
        net.head.bias.copy_(frequencies(stored_photos()).clamp(min=RAREST).log())
    trainer = Trainer(net)
    parts = {"net": trainer.net, "optimiser": trainer.optimiser, "average": trainer.average}
    run = Run(FEATURES, parts, end)
    trainer.net.train()
    for step in run:
        side = SIDE if step < LAST_SIDE_FROM * end else LAST_SIDE
        batch = trainer.colour(generator(1, step), side)
        run.report(**trainer.learn(batch, cosine_rate(step, end, RATE)))
    torch.save(trainer.average.net.state_dict(), cycle_file(end))


def cycle_file(end: int) -> Path:
    """Return where the averaged weights of the cycle that ends at that step lie."""
    return work_folder(FEATURES) / f"cycle-{end}.pt"


def mean_of_cycles() -> dict[str, Tensor]:
    """Return the mean of the weights with which the cycles ended.

    They err in different ways, and their mean errs less than each on photos that are new to them (Izmailov
    et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018).
    """
    return mean_of([torch.load(cycle_file(end), weights_only=True) for end in CYCLES])


def served_weights() -> dict[str, Tensor]:
    """Return the mean of the weights before and after the second phase.

    It keeps most of the life that the critic brought and loses most of the errors (Wortsman et al., "Robust
    Fine-Tuning of Zero-Shot Models", 2022).
    """
    return mean_of([mean_of_cycles(), kept(ADVERSARIAL)["average"]["net"]])


def mean_of(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of states of one net; counts are the last one's."""
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value
        for name, value in states[-1].items()
    }


def train_against_critic() -> None:
    """Run the second phase, from the mean of the first one's cycles."""
    net = ColourNet()
    net.load_state_dict(mean_of_cycles())
    trainer, critic = Trainer(net), _fast(Critic())
    critic_optimiser = torch.optim.Adam(critic.parameters(), lr=CRITIC_RATE, betas=(0.5, 0.99))
    parts = {
        "net": trainer.net,
        "optimiser": trainer.optimiser,
        "average": trainer.average,
        "critic": critic,
        "critic_optimiser": critic_optimiser,
    }
    run = Run(ADVERSARIAL, parts, CRITIC_STEPS + ADVERSARIAL_STEPS)
    trainer.net.train()
    for step in run:
        is_critics_alone = step < CRITIC_STEPS
        with torch.set_grad_enabled(not is_critics_alone):
            batch = trainer.colour(generator(2, step), LAST_SIDE)
        judged = criticise(critic, critic_optimiser, batch)
        if is_critics_alone:
            run.report(critic=judged)
            continue
        rate = cosine_rate(step - CRITIC_STEPS, ADVERSARIAL_STEPS, ADVERSARIAL_RATE, warm_up=20)
        distance = distance_loss(batch.ours, batch.truth)
        extra = DISTANCE_WEIGHT * distance - CRITIC_WEIGHT * critic(batch.ours).mean()
        run.report(critic=judged, distance=distance.item(), **trainer.learn(batch, rate, extra))


def criticise(critic: nn.Module, optimiser: torch.optim.Optimizer, batch: Batch) -> float:
    """Let the critic learn from a batch; return its loss, 2 where it cannot tell ours from the truth."""
    loss = critic_loss(critic(batch.truth), critic(batch.ours.detach()))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def halved(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the net reads, [B, 3, H, W] of -1 to 1, and the truth RGB [B, 3, H/2, W/2] of 0 to 255.

    `pictures` are uint8 [B, H, W, 3].
    """
    rgb = pictures.permute(0, 3, 1, 2).float()
    grey = luma(rgb).round().repeat(1, 3, 1, 1) / 127.5 - 1
    return grey.contiguous(memory_format=torch.channels_last), functional.avg_pool2d(rgb, 2)


def optimiser_of(net: ColourNet) -> torch.optim.Optimizer:
    """Return AdamW with a slower encoder."""
    encoder = [parameter for parameter in net.encoder.parameters() if parameter.requires_grad]
    decoder = [parameter for name, parameter in net.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": encoder, "scale": ENCODER_SCALE}, {"params": decoder, "scale": 1.0}]
    return torch.optim.AdamW(groups, lr=RATE, weight_decay=DECAY)


def _fast(module: Module) -> Module:
    """Return the module with its weights laid out as a CPU multiplies them in three quarters of the time."""
    return module.to(memory_format=torch.channels_last)


def main() -> None:
    """Run both phases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    torch.set_num_threads(parser.parse_args().threads)
    for end in CYCLES:
        if not cycle_file(end).exists():
            train_on_features(end)
    train_against_critic()


if __name__ == "__main__":
    main()
