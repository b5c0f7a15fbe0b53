"""Which nets a model repository serves, by its configs and manifests, and which of its services are whole."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tritonclient.grpc import model_config_pb2

from embedded.checks import has_model, read_configs
from embedded.errors import NotExported, SeededNets
from vision.manifest import Source, load_manifest, manifest_path


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
    bare = {net for net in nets if not has_model(repository, net)}
    return Contents(services, frozenset(nets), frozenset((models - set(configs)) | bare))


def _models(
    ensemble: model_config_pb2.ModelConfig, configs: dict[str, model_config_pb2.ModelConfig]
) -> Iterator[str]:
    yield ensemble.name
    for step in ensemble.ensemble_scheduling.step:
        yield step.model_name
        if step.model_name in configs:
            parameters = configs[step.model_name].parameters
            yield from _listed(parameters["manifests"].string_value)
            optional = _listed(parameters["optional_manifests"].string_value)
            yield from (net for net in optional if net in configs)


def _listed(names: str) -> list[str]:
    return names.split(",") if names else []


def link_whole_services(repository: Path, target: Path) -> list[str]:
    """Make `target` a repository of links to the services of `repository` that miss nothing.

    Returns those that are left out. Raises NotExported where all are.
    """
    services, _, missing = read_contents(repository)
    whole = {name: models for name, models in services.items() if not missing & set(models)}
    if not whole:
        raise NotExported(
            f"no service of {repository.name} is exported yet; run `python -m export --profile full`"
        )
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for model in sorted({model for models in whole.values() for model in models}):
        (target / model).symlink_to((repository / model).resolve())
    return [name for name in services if name not in whole]


def served_nets(repository: Path) -> list[ServedNet]:
    """Return every exported net of every service of `repository`, with what its manifest says of it."""
    contents = read_contents(repository)
    rows = []
    for service, models in contents.services.items():
        for net in (model for model in models if model in contents.nets - contents.missing):
            manifest = load_manifest(manifest_path(repository, net))
            sources = ", ".join(dict.fromkeys(map(_told, manifest.sources)))
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


def _told(source: Source) -> str:
    return f"{source.package} {source.version}".strip()
