"""What the config of one of Triton's models says of its processes. Pure: it calls nothing."""

from collections.abc import Iterator
from typing import Any

from tritonclient.grpc import model_config_pb2, service_pb2

from modelhub_pictures.request_parameters import PING

_BYTES_OF = {
    "BOOL": 1, "UINT8": 1, "UINT16": 2, "UINT32": 4, "UINT64": 8,
    "INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8, "FP16": 2, "FP32": 4, "FP64": 8,
    "BYTES": 4,  # an empty string is its length alone
}  # fmt: skip


def process_count(config: model_config_pb2.ModelConfig) -> int:
    """Return how many processes a model's instance groups ask for: `count` on each GPU that they list."""
    return sum((group.count or 1) * max(1, len(group.gpus)) for group in config.instance_group)


def ping_request(config: model_config_pb2.ModelConfig) -> Any:  # noqa: ANN401 - ships no types
    """Return a ModelInferRequest of zeros, as small as the config allows, which asks for a ping."""
    request = service_pb2.ModelInferRequest(model_name=config.name)
    request.parameters[PING].bool_param = True
    for tensor in config.input:
        datatype = model_config_pb2.DataType.Name(tensor.data_type).removeprefix("TYPE_")
        datatype = "BYTES" if datatype == "STRING" else datatype
        shape = list(_smallest(config, tensor.dims))
        elements = 1
        for extent in shape:
            elements *= extent
        request.inputs.add(name=tensor.name, datatype=datatype, shape=shape)
        request.raw_input_contents.append(bytes(elements * _BYTES_OF[datatype]))
    return request


def _smallest(config: model_config_pb2.ModelConfig, dims: Any) -> Iterator[int]:  # noqa: ANN401 - ships no types
    if config.max_batch_size:
        yield 1
    yield from (max(1, extent) for extent in dims)
