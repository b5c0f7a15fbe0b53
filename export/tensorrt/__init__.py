"""ONNX nets to TensorRT plans, and the configs with which Triton serves them.

Runs inside NVIDIA's TensorRT container, whose Python is 3.10: so must all that is imported from here.
"""
