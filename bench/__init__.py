"""Figures: `make bench` for speed, `make accuracy` for right answers."""
