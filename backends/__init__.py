"""What runs inside Triton's stubs: the adapter of every pre/post step, and the ONNX Runtime backend."""
