"""The detector and the classifier that are trained on drawn shelves."""
