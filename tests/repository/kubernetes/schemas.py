"""What an object of Kubernetes, of the Prometheus operator or of KServe may look like: no unknown field.

Kubernetes' schemas are the files of `kubernetes-validate`, whose own code reads them again for each object.
The operator's are of `cloudcoil`'s models of its resource definitions, and KServe's own of the models in its
SDK: neither package runs in this process, since one brings a plugin of pytest and the other wants much beside
it.
"""

import ast
import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator
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
    for validator in _validators(item["apiVersion"], item["kind"]):
        for error in validator.iter_errors(item):
            return f"{item['kind']} {item['metadata'].get('name')}: {error.message}"
    return ""


@functools.cache
def _validators(api_version: str, kind: str) -> list[Draft202012Validator]:
    if api_version.startswith("monitoring.coreos.com/"):
        schemas = [_of_operator(kind)]
    elif api_version.startswith("serving.kserve.io/"):
        schemas = [_of_kserve(api_version, kind)]
    else:
        schemas = [_of_kubernetes(release, api_version, kind) for release in RELEASES]
    return [Draft202012Validator(schema) for schema in schemas]


def _of_kubernetes(release: str, api_version: str, kind: str) -> Schema:
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], version) if part)
    text = (_folder(release) / f"{name}.json").read_text()
    schema: Schema = json.loads(text.replace("/api/_definitions.json#", "#"))
    return {**schema, "$defs": _definitions_of_kubernetes(release)}


def _folder(release: str) -> Path:
    """Return where the schemas of a release lie that allow no unknown field."""
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "kubernetes-json-schema" / f"v{release}.0-local-strict"


@functools.cache
def _definitions_of_kubernetes(release: str) -> dict[str, Schema]:
    definitions: dict[str, Schema] = json.loads((_folder(release) / "_definitions.json").read_text())["$defs"]
    return definitions


@functools.cache
def _packages() -> Path:
    """Return where the packages are that tell of custom resources."""
    environment = PROJECT / ".venv-custom-resources"
    with Progress(disable=True) as progress:
        ensure_environment(environment, PROJECT / "requirements" / "custom-resources.txt", progress)
    (found,) = environment.glob("lib/python3*/site-packages")
    return found


def _of_operator(kind: str) -> Schema:
    kept = _packages().parents[2] / f"{kind}.json"  # takes seconds to make, and lasts as long as the packages
    if not kept.exists():
        command = [sys.executable, "-c", _OPERATORS_SCHEMA, kind]
        variables = os.environ | {"PYTHONPATH": str(_packages())}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        kept.write_text(done.stdout)
    # Go takes a flag anywhere in a pattern, Python and Rust at its beginning alone.
    schema: Schema = json.loads(kept.read_text().replace("^(?i)", "(?i)^"))
    for part in _parts(schema):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return schema


def _parts(value: object) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)


def _of_kserve(api_version: str, kind: str) -> Schema:
    version = api_version.partition("/")[2]
    definitions = _definitions_of_kserve() | _kubernetes_for_kserve()
    references = (part.get("$ref") for part in _parts(definitions))
    named = {one.removeprefix("#/$defs/") for one in references if isinstance(one, str)}
    nothing: Schema = {"not": {}}
    definitions |= dict.fromkeys(named - definitions.keys(), nothing)  # the SDK lacks some that it names
    return {"$ref": f"#/$defs/{version.capitalize()}{kind}", "$defs": definitions}


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
def _kubernetes_for_kserve() -> dict[str, Schema]:
    """Return Kubernetes' own types by the names that KServe's SDK has for them and by their own."""
    own = _definitions_of_kubernetes(RELEASES[-1])
    aliases = {
        "ResourceQuantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
        "K8sIoApiAppsV1DeploymentStrategy": "io.k8s.api.apps.v1.DeploymentStrategy",
    }
    plain = re.compile(r"io\.k8s\.(?:api\.core|apimachinery\.pkg\.apis\.meta)\.v1\.(\w+)")
    aliases |= {f"V1{match[1]}": name for name in own if (match := plain.fullmatch(name))}
    return own | {alias: {"$ref": f"#/$defs/{name}"} for alias, name in aliases.items()}
