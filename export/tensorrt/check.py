"""Whether Triton, started with a config name, would serve what the name promises.

Triton falls back to `config.pbtxt`, model by model and silently, where a net has no config of that name.
"""

from pathlib import Path

from export.tensorrt.configs import CONFIG_NAME, config_path, net_folders, read_config
from export.tensorrt.errors import NotServable
from export.tensorrt.plan import PLAN_FILE, RECORD_FILE, load_record, sha256_of
from vision.manifest import NET_VERSION, ONNX_FILE


def check_config_name(repository: Path, name: str) -> None:
    """Raise NotServable, naming every net at fault, unless all nets have `configs/<name>.pbtxt` and its plan.

    A plan must be one that `python -m export.tensorrt build` made from the graph beside it with TensorRT
    itself; its TensorRT and its GPU are Triton's to judge, which refuses what it cannot load.
    """
    folders = list(net_folders(repository))
    if not folders:
        raise NotServable(f"{repository}: there is no net")
    lacking = [folder.name for folder in folders if not config_path(folder, name).is_file()]
    if lacking:
        known = {path.stem for folder in folders for path in folder.glob("configs/*.pbtxt")}
        raise NotServable(
            f"--model-config-name={name}: {', '.join(lacking)} {_have(lacking)} no config of that name, and "
            f"Triton would serve config.pbtxt instead; names that exist: {', '.join(sorted(known)) or 'none'}"
        )
    faults: dict[str, list[str]] = {}
    for folder in folders:
        faults.setdefault(_fault(folder, name), []).append(folder.name)
    faults.pop("", None)
    if faults:
        message = "; ".join(f"{fault}: {', '.join(nets)}" for fault, nets in faults.items())
        raise NotServable(f"--model-config-name={name}: {message}; run `python -m export.tensorrt build`")


def _have(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _fault(folder: Path, name: str) -> str:
    """Return what is wrong with the plan that a net's config needs; nothing where it needs none."""
    config = read_config(config_path(folder, name))
    version = folder / NET_VERSION
    if config.backend != "tensorrt":
        return "" if (version / ONNX_FILE).is_file() else f"no {ONNX_FILE}"
    record = load_record(version / RECORD_FILE)
    if record is None or not (version / PLAN_FILE).is_file():
        return "no plan"
    if not (version / ONNX_FILE).is_file() or sha256_of(version / ONNX_FILE) != record.identity.onnx_sha256:
        return "a plan of another graph"
    if record.identity.builder != CONFIG_NAME:
        return f"a plan of {record.identity.builder}, which Triton cannot load"
    if sha256_of(version / PLAN_FILE) != record.plan_sha256:
        return "a damaged plan"
    return ""
