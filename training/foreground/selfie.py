"""MediaPipe's selfie segmentation as a torch module that stays as it is."""

import onnx
from onnx2torch import convert
from torch import Tensor, nn

from training.files import work_folder


class Selfie(nn.Module):
    """RGB [B, 3, 256, 256] of 0 to 1 to features [B, 16, 128, 128] and logits [B, 1, 256, 256]."""

    def __init__(self) -> None:
        super().__init__()
        self.net = convert(onnx.load(work_folder("foreground") / "selfie.onnx"))
        self.eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        planes, logits = self.net(pictures.permute(0, 2, 3, 1))
        return planes, logits.unsqueeze(1)
