"""What a `config.pbtxt` says to ONNX Runtime, and whether it fits the graph; pure, shared with the tests."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import onnxruntime as ort

_ORT_TYPES = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_UINT16": "tensor(uint16)",
    "TYPE_UINT32": "tensor(uint32)",
    "TYPE_UINT64": "tensor(uint64)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_INT16": "tensor(int16)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP64": "tensor(double)",
}
_GRAPH_LEVELS = {
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    0: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


class GraphTensor(Protocol):
    """An input or output as ONNX Runtime describes it; unknown dimensions are names or None."""

    name: str
    type: str
    shape: Sequence[int | str | None]


def session_options(config: Mapping[str, Any]) -> ort.SessionOptions:
    """Return the options that a model's config asks for, by the native backend's names."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = _parameter(config, "intra_op_thread_count")
    # Idle threads that spin take the cores from the other instances, each of which is a process here.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.inter_op_num_threads = _parameter(config, "inter_op_thread_count")
    if _parameter(config, "execution_mode") == 1:
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    level = int(config.get("optimization", {}).get("graph", {}).get("level", 1))
    options.graph_optimization_level = _GRAPH_LEVELS[max(-1, min(level, 1))]
    return options


def check_tensors(
    config: Mapping[str, Any], inputs: Sequence[GraphTensor], outputs: Sequence[GraphTensor]
) -> None:
    """Compare a config with its graph; raises ValueError naming every tensor that differs and how."""
    batching = int(config["max_batch_size"]) > 0
    missing = {tensor.name for tensor in inputs} - {entry["name"] for entry in config["input"]}
    faults = [f"the graph's input {name} is not in the config" for name in sorted(missing)]
    faults += _faults("input", config["input"], inputs, batching)
    faults += _faults("output", config["output"], outputs, batching)
    if faults:
        raise ValueError(f"{config['name']}: " + "; ".join(faults))


def _faults(
    kind: str, entries: Iterable[Mapping[str, Any]], tensors: Sequence[GraphTensor], batching: bool
) -> list[str]:
    known = {tensor.name: tensor for tensor in tensors}
    faults = []
    for entry in entries:
        tensor = known.get(entry["name"])
        if tensor is None:
            faults.append(f"{kind} {entry['name']} is not in the graph, which has {sorted(known)}")
            continue
        expected = _ORT_TYPES.get(entry["data_type"])
        if tensor.type != expected:
            faults.append(
                f"{kind} {tensor.name} is {entry['data_type']} in the config, {tensor.type} in the graph"
            )
        dims = ([-1] if batching else []) + [int(dim) for dim in entry["dims"]]
        if not _fits(dims, tensor.shape, batching):
            faults.append(f"{kind} {tensor.name} is {dims} in the config, {list(tensor.shape)} in the graph")
    return faults


def _fits(dims: Sequence[int], shape: Sequence[int | str | None], batching: bool) -> bool:
    known = [dim if isinstance(dim, int) else -1 for dim in shape]
    if batching and known[:1] != [-1]:
        return False
    return len(dims) == len(known) and all(
        graph in (-1, config) for config, graph in zip(dims, known, strict=True)
    )


def _parameter(config: Mapping[str, Any], key: str) -> int:
    return int(config.get("parameters", {}).get(key, {}).get("string_value", "0"))
