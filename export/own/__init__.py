"""Checkpoints of the user's own to nets in the model repository: `python -m export own`."""
