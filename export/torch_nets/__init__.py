"""Networks in PyTorch whose checkpoints the exporter reads and trainings write. No server imports them."""
