"""Pure vision functions: NumPy and Pillow in, NumPy out. Nothing here knows Triton, HTTP or JSON answers."""
