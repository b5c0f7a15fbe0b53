"""`configs/tensorrt.pbtxt` of every net, made from its `config.pbtxt`: nobody edits two files.

Triton takes the former in place of the latter, whole, when it is started with `--model-config-name=tensorrt`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from export.tensorrt.shapes import profile_count
from vision.manifest import Profile

CONFIG_NAME = "tensorrt"
"""What `--model-config-name` is called with."""

CONFIG_FILE = "config.pbtxt"

_UINT8_QUANTISED = (
    "quantised to uint8 with zero points, which TensorRT does not take (it takes int8, symmetric); "
    "making it symmetric would make another net of it"
)
ON_ONNXRUNTIME: Mapping[Profile, Mapping[str, str]] = {
    Profile.LITE: {
        "image_classification_net": _UINT8_QUANTISED,
        "scene_classification_net": _UINT8_QUANTISED,
        "image_similarity_net": _UINT8_QUANTISED,
    },
    Profile.FULL: {},
}
"""Nets that TensorRT refuses, and why: ONNX Runtime serves them on the GPU under the same config name."""

_HEADER = (
    "# Written by `python -m export.tensorrt configs` from ../config.pbtxt: change that one.\n"
    "# It takes that one's place, whole, under --model-config-name=tensorrt.\n"
)


def read_config(path: Path) -> ModelConfig:
    """Return the parsed file; raises FileNotFoundError."""
    return text_format.Parse(path.read_text(), ModelConfig())


def config_path(folder: Path, name: str) -> Path:
    """Return where the config called `name` of the model in `folder` stands."""
    return folder / "configs" / f"{name}.pbtxt"


def net_folders(repository: Path) -> Iterator[Path]:
    """Yield the folders of nets in a model repository."""
    return (path.parent for path in sorted(repository.glob(f"*_net/{CONFIG_FILE}")))


def tensorrt_config(config: ModelConfig, profile: Profile) -> str:
    """Return the text of `configs/tensorrt.pbtxt` for a net of `profile` with this `config.pbtxt`."""
    derived = ModelConfig()
    derived.CopyFrom(config)
    for of_cpus in ("parameters", "instance_group", "dynamic_batching", "model_warmup"):
        derived.ClearField(of_cpus)
    reason = ON_ONNXRUNTIME[profile].get(config.name)
    derived.backend = "tensorrt" if reason is None else "onnxruntime"
    derived.dynamic_batching.SetInParent()
    group = derived.instance_group.add(kind=ModelInstanceGroup.KIND_GPU, count=1)
    if reason is None and profile_count(config) > 1:
        group.profile.extend(str(index) for index in range(profile_count(config)))
    if all(dim > 0 for entry in config.input for dim in entry.dims):  # else only the manifest knows its sides
        _warm_up(derived)
    remark = f"# ONNX Runtime runs it, on the GPU: {reason}.\n" if reason else ""
    return _HEADER + remark + text_format.MessageToString(derived)


def write_configs(repository: Path, profile: Profile) -> list[str]:
    """Write the config of every net of a repository; return the names of those that changed."""
    changed = []
    for folder in net_folders(repository):
        path, text = (
            config_path(folder, CONFIG_NAME),
            tensorrt_config(read_config(folder / CONFIG_FILE), profile),
        )
        if not path.is_file() or path.read_text() != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            changed.append(folder.name)
    return changed


def _warm_up(config: ModelConfig) -> None:
    """Have Triton run the smallest and the largest batch before it says that it is ready."""
    for size in sorted({1, config.max_batch_size}):
        sample = config.model_warmup.add(name=f"zeros_{size}", batch_size=size)
        for entry in config.input:
            sample.inputs[entry.name].data_type = entry.data_type
            sample.inputs[entry.name].dims.extend(entry.dims)
            sample.inputs[entry.name].zero_data = True
