"""What an object of Kubernetes, of the Prometheus operator or of KServe may look like: no unknown field.

Kubernetes' schemas are those of `kubernetes-validate`. The operator's are of `cloudcoil`'s models of its
resource definitions, and KServe's own of the models in its SDK: neither package runs in this process, since
one brings a plugin of pytest and the other wants much beside it.
"""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
from rich.progress import Progress

from export.environment import ensure_environment
from export.paths import PROJECT

RELEASES = ("1.29", "1.37")
"""The oldest that has sidecars unless told otherwise, and the newest that the package knows."""

Schema = dict[str, Any]

_OPERATORS_SCHEMA = """\
import json, sys
from cloudcoil.models.prometheus_operator import v1
print(json.dumps(getattr(v1, sys.argv[1]).model_json_schema(by_alias=True)))
"""


def problem(item: dict[str, Any]) -> str:
    """Return what is wrong with an object; empty if nothing is."""
    try:
        if item["apiVersion"].startswith("monitoring.coreos.com/"):
            _of_operator(item["kind"]).validate(item)
        elif item["apiVersion"].startswith("serving.kserve.io/"):
            _of_kserve(item["apiVersion"], item["kind"]).validate(item)
        else:
            for release in RELEASES:
                kubernetes_validate.validate(item, release, strict=True)
    except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
        return f"{item['kind']} {item['metadata'].get('name')}: {error.message}"
    return ""


@functools.cache
def _packages() -> Path:
    """Return where the packages are that tell of custom resources."""
    environment = PROJECT / ".venv-custom-resources"
    with Progress(disable=True) as progress:
        ensure_environment(environment, PROJECT / "requirements" / "custom-resources.txt", progress)
    (found,) = environment.glob("lib/python3*/site-packages")
    return found


@functools.cache
def _of_operator(kind: str) -> jsonschema.Draft202012Validator:
    command = [sys.executable, "-c", _OPERATORS_SCHEMA, kind]
    variables = os.environ | {"PYTHONPATH": str(_packages())}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    # Go takes a flag anywhere in a pattern, Python at its beginning alone.
    schema: Schema = json.loads(done.stdout.replace("^(?i)", "(?i)^"))
    for part in _parts(schema):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return jsonschema.Draft202012Validator(schema)


def _parts(value: object) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)


@functools.cache
def _of_kserve(api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    version = api_version.partition("/")[2]
    definitions = _definitions_of_kserve() | _definitions_of_kubernetes()
    schema = {"$ref": f"#/$defs/{version.capitalize()}{kind}", "$defs": definitions}
    return jsonschema.Draft202012Validator(schema)


@functools.cache
def _definitions_of_kserve() -> dict[str, Schema]:
    """Return the schema of every model of the SDK, by its class."""
    return dict(_definition(path) for path in (_packages() / "kserve" / "models").glob("v1*.py"))


def _definition(model: Path) -> tuple[str, Schema]:
    """Return a model's class and schema: its file has a table of attributes' types and one of their names."""
    (found,) = (node for node in ast.parse(model.read_text()).body if isinstance(node, ast.ClassDef))
    tables = {
        target.id: ast.literal_eval(statement.value)
        for statement in found.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    types, names = tables["openapi_types"], tables["attribute_map"]
    properties = {names[attribute]: _type(told) for attribute, told in types.items()}
    return found.name, {"type": "object", "properties": properties, "additionalProperties": False}


_PLAIN = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "object": "object"}


def _type(told: str) -> Schema:
    if told in _PLAIN:
        return {"type": _PLAIN[told]}
    if match := re.fullmatch(r"list\[(.+)\]", told):
        return {"type": "array", "items": _type(match[1])}
    if match := re.fullmatch(r"dict\(str, (.+)\)", told):
        return {"type": "object", "additionalProperties": _type(match[1])}
    return {"$ref": f"#/$defs/{told}"}


@functools.cache
def _definitions_of_kubernetes() -> dict[str, Schema]:
    """Return Kubernetes' own types by the names that KServe's SDK has for them and by their own."""
    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    file = folder / f"v{RELEASES[-1]}.0-local-strict" / "_definitions.json"
    own: dict[str, Schema] = json.loads(file.read_text())["$defs"]
    aliases = {
        "ResourceQuantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
        "K8sIoApiAppsV1DeploymentStrategy": "io.k8s.api.apps.v1.DeploymentStrategy",
    }
    plain = re.compile(r"io\.k8s\.(?:api\.core|apimachinery\.pkg\.apis\.meta)\.v1\.(\w+)")
    aliases |= {f"V1{match[1]}": name for name in own if (match := plain.fullmatch(name))}
    return own | {alias: {"$ref": f"#/$defs/{name}"} for alias, name in aliases.items()}
