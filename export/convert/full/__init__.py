"""Converters of the `full` profile, from published checkpoints. They run in the training environment."""
