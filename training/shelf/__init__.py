"""Drawn shelves of 171 invented drinks, and the detector and the classifier that are trained on them."""
