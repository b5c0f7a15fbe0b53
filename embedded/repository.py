"""What a model repository holds, by its configs and manifests, and what of it is served."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from embedded.errors import NotExported, SeededNets, WrongSetting
from embedded.paths import REPOSITORY
from gateway.triton_config import process_count
from vision.manifest import ONNX_FILE, Source, load_manifest, manifest_path

EVERY_MODEL = "*"
"""Has Triton load all models that it finds."""


class Scope(NamedTuple):
    """What is to be served."""

    repository: Path = REPOSITORY
    services: Sequence[str] = ()
    """Their names; none means all."""
    partial: bool = False
    """Services that are not exported are left out, if some are and none is named."""
    allow_seeded: bool = False
    """Nets of random weights are served too."""


WHOLE = Scope()
"""All of the `lite` profile."""


class ServedNet(NamedTuple):
    """One net of one service, as the table at the start shows it."""

    service: str
    net: str
    profile: str
    source: str
    seeded: bool


class Contents(NamedTuple):
    """What a repository is to serve and what it has."""

    services: dict[str, tuple[str, ...]]
    """The models of each: the ensemble itself, its steps, and nets that its steps run themselves."""
    nets: frozenset[str]
    missing: frozenset[str]
    """Of the services' models, those that have no folder, and nets that are not exported."""

    @property
    def complete(self) -> list[str]:
        """The services that miss nothing."""
        return [name for name, models in self.services.items() if not self.missing & set(models)]


class Selection(NamedTuple):
    """Which services of a repository are served."""

    services: dict[str, tuple[str, ...]]
    left_out: dict[str, str]
    """The others, each with the reason."""
    nets: list[ServedNet]

    @property
    def to_load(self) -> list[str]:
        """The models that Triton loads, by name, or EVERY_MODEL."""
        models = {model for models in self.services.values() for model in models}
        return sorted(models) if self.left_out else [EVERY_MODEL]


def read_configs(repository: Path) -> Iterator[model_config_pb2.ModelConfig]:
    """Yield the parsed `config.pbtxt` of every model, by name."""
    for path in sorted(repository.glob("*/config.pbtxt")):
        yield text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())


def read_contents(repository: Path) -> Contents:
    """Return the contents of `repository`."""
    configs = {config.name: config for config in read_configs(repository)}
    services = {
        name: tuple(dict.fromkeys(_models(config, configs)))
        for name, config in configs.items()
        if config.platform == "ensemble"
    }
    nets = {name for name, config in configs.items() if config.backend == "onnxruntime"}
    models = {model for some in services.values() for model in some}
    bare = {net for net in nets if not any((repository / net).glob(f"*/{ONNX_FILE}"))}
    return Contents(services, frozenset(nets), frozenset((models - set(configs)) | bare))


def _models(
    ensemble: model_config_pb2.ModelConfig, configs: Mapping[str, model_config_pb2.ModelConfig]
) -> Iterator[str]:
    yield ensemble.name
    for step in ensemble.ensemble_scheduling.step:
        yield step.model_name
        if step.model_name in configs:
            parameters = configs[step.model_name].parameters
            yield from _names(parameters["manifests"].string_value)
            optional = _names(parameters["optional_manifests"].string_value)
            yield from (net for net in optional if net in configs)


def _names(joined: str) -> list[str]:
    return joined.split(",") if joined else []


def select(scope: Scope) -> Selection:
    """Return what of `scope` is served. Raises WrongSetting and NotExported."""
    contents, names = read_contents(scope.repository), scope.services
    check_exported(contents, names, partial=scope.partial)
    every = contents.complete if scope.partial else contents.services
    services = {name: contents.services[name] for name in names or every}
    reason = "MODELHUB_SERVICES does not name it" if names else "its nets are not exported"
    left_out = {name: reason for name in contents.services if name not in services}
    return Selection(services, left_out, served_nets(scope.repository, services))


def check_exported(contents: Contents, names: Sequence[str], *, partial: bool) -> None:
    """Raise NotExported naming every net that is missing: of the services of `names`, or of all.

    A `partial` repository needs one complete service, unless `names` says which.
    Raises WrongSetting for a name that is no service.
    """
    if unknown := [name for name in names if name not in contents.services]:
        raise WrongSetting(
            f"MODELHUB_SERVICES: no service is named {', '.join(unknown)}; "
            f"there are {', '.join(contents.services)}"
        )
    missing = contents.missing
    if names:
        missing &= {model for name in names for model in contents.services[name]}
    elif partial and contents.complete:
        return
    if missing:
        profile = " PROFILE=full" if partial else ""
        raise NotExported(f"not exported yet: {', '.join(sorted(missing))}; run `make export{profile}`")


def served_nets(repository: Path, services: Mapping[str, Iterable[str]]) -> list[ServedNet]:
    """Return the exported nets of `services`, with what the manifest of each says of it."""
    rows = []
    for service, models in services.items():
        for net in (model for model in models if manifest_path(repository, model).is_file()):
            manifest = load_manifest(manifest_path(repository, net))
            sources = ", ".join(dict.fromkeys(map(_source, manifest.sources)))
            rows.append(ServedNet(service, net, manifest.profile, sources, manifest.seeded))
    return rows


def check_seeded(nets: Iterable[ServedNet]) -> None:
    """Raise SeededNets naming every net that has random weights."""
    seeded = [net.net for net in nets if net.seeded]
    if seeded:
        raise SeededNets(
            f"of random weights, so that answers mean nothing: {', '.join(seeded)}; "
            "export them without --seeded, or start with --allow-seeded (MODELHUB_ALLOW_SEEDED=true)"
        )


def stub_counts(repository: Path, to_load: Sequence[str] = (EVERY_MODEL,)) -> dict[str, int]:
    """Return how many stub processes the instance groups ask for of each model that is loaded."""
    return {
        config.name: process_count(config)
        for config in read_configs(repository)
        if config.platform != "ensemble" and (config.name in to_load or EVERY_MODEL in to_load)
    }


def _source(source: Source) -> str:
    return f"{source.package} {source.version}".strip()
