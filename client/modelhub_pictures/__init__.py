"""One decoder for server, package and command: a picture file's bytes to upright RGB pixels, within limits.

The package `modelhub` is built with it, and the steps inside Triton import it: it needs NumPy and Pillow
alone, runs on Python 3.10, and imports nothing of ours. The link of the same name at the root of the checkout
makes it importable wherever `vision` is.
"""
