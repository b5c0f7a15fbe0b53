"""Answers for people: a short line, and the picture with the answer drawn on it.

What the command, the demo and the gateway (`Accept: image/png`) draw, they draw by this.
"""

from modelhub.present.fonts import FONT, font
from modelhub.present.services import PRESENTATIONS, annotate, summarise

__all__ = ["FONT", "PRESENTATIONS", "annotate", "font", "summarise"]
