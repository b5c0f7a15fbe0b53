"""The `lite` net of instance segmentation: the mask of whatever a detection's box shows."""
