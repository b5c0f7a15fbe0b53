"""Trains the colouring net: feature loss first, a short adversarial phase last.

    .venv-training/bin/python -m training.colorization.train

Killed, it goes on from its last checkpoint. The results are exported by `training.colorization.export`.
"""

import torch
from torch import Tensor
from torch.nn import functional

from training.colorization.colour import coloured, luma
from training.colorization.losses import Perception, Vividness, colour_loss
from training.colorization.net import ColourNet
from training.colorization.pictures import crops, stored_photos
from training.loop import Average, Run, cosine_rate, generator, set_rate

NAME = "colorization"
STEPS = 3600
BATCH = 8
SIDE = 160
RATE = 1e-3
ENCODER_SCALE = 0.3
DECAY = 0.03
VIVIDNESS = 0.65
PERCEPTION_WEIGHT = 10.0
LONGEST_GRADIENT = 20.0


def halved(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the net's input [B, 3, H, W] of -1 to 1, and the truth RGB [B, 3, H/2, W/2], of uint8 [B, H, W, 3]."""
    rgb = pictures.permute(0, 3, 1, 2).float()
    grey = luma(rgb).round().repeat(1, 3, 1, 1) / 127.5 - 1
    grey = grey.contiguous(memory_format=torch.channels_last)  # a quarter less time on a CPU
    return grey, functional.avg_pool2d(rgb, 2)


def optimiser_of(net: ColourNet) -> torch.optim.Optimizer:
    """Return AdamW with a slower encoder."""
    encoder = [parameter for parameter in net.encoder.parameters() if parameter.requires_grad]
    decoder = [parameter for name, parameter in net.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": encoder, "scale": ENCODER_SCALE}, {"params": decoder, "scale": 1.0}]
    return torch.optim.AdamW(groups, lr=RATE, weight_decay=DECAY)


def main() -> None:
    """Run both phases."""
    net, perception = (part.to(memory_format=torch.channels_last) for part in (ColourNet(), Perception()))
    vividness = Vividness(VIVIDNESS)
    optimiser, average = optimiser_of(net), Average(net)
    photos = stored_photos()
    parts = {"net": net, "optimiser": optimiser, "average": average, "vividness": vividness}
    run = Run(NAME, parts, STEPS)
    net.train()
    for step in run:
        grey, truth = halved(crops(photos, BATCH, SIDE, generator(1, step)))
        ours = coloured(luma(truth), net(grey))
        loss, our_strength, true_strength = colour_loss(ours, truth, vividness.worth)
        seen = perception(ours, truth)
        set_rate(optimiser, cosine_rate(step, STEPS, RATE))
        optimiser.zero_grad()
        (loss + PERCEPTION_WEIGHT * seen).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        average.update(net)
        vividness.update(our_strength, true_strength)
        run.report(
            loss=loss.item(), seen=seen.item(), ours=our_strength, true=true_strength, worth=vividness.worth
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
