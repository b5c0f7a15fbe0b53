"""From published checkpoints to nets in the model repository, with their manifests."""
