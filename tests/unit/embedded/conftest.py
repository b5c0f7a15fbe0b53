from pathlib import Path

import pytest

CONFIGS = {
    "n_net": 'name: "n_net" backend: "onnxruntime" instance_group [ { kind: KIND_CPU count: 2 } ]',
    "n_step": 'name: "n_step" backend: "python" instance_group [ { kind: KIND_CPU count: 3 } ] '
    'parameters [ { key: "manifests" value: { string_value: "n_net" } } ]',
    "n": 'name: "n" platform: "ensemble" ensemble_scheduling { step [ { model_name: "n_step" } ] }',
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A service of one step and one net, which is not exported."""
    for name, config in CONFIGS.items():
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "config.pbtxt").write_text(config)
    return tmp_path
