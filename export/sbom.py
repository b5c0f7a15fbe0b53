"""What we ship consists of, as CycloneDX 1.6: `python -m export.sbom out/sbom`, or `make sbom`.

A file for each hashed lock that images and environments are built from, and one for the nets: their sources,
licences and SHA-256, from the manifests of what is exported.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import fixup_id
from packageurl import PackageURL

from export.paths import PROJECT
from vision.manifest import Manifest, Profile, Source, load_manifest, manifest_path

LOCKS = ("serve", "triton", "container")
"""What the gateway, Triton from its wheel, and Triton's container are built from."""
NETS = "nets"

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^\s+#(?:\s+via)?(?:\s+(\S.*))?$")


@dataclass(frozen=True)
class Locked:
    """A package of a lock: where its environment `marker` holds, if it has one."""

    name: str
    version: str
    marker: str
    sha256: tuple[str, ...]
    """Of the files that may be installed."""
    via: tuple[str, ...]
    """Packages that need it; files of ours where it is asked for by them."""


def locked(text: str) -> list[Locked]:
    """Return the packages of a lock. Raises ValueError for one without a hash and for an unclear line."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            blocks.append([])
        elif not blocks:
            raise ValueError(f"what belongs to no package: {line}")
        blocks[-1].append(line)
    return [_locked(block) for block in blocks]


def _locked(block: Sequence[str]) -> Locked:
    first, *rest = block
    found = _REQUIREMENT.match(first)
    if not found:
        raise ValueError(f"not NAME==VERSION: {first}")
    sha256 = tuple(_HASH.findall("\n".join(rest)))
    if not sha256:
        raise ValueError(f"without a hash: {first}")
    via = (match[1] for line in rest if (match := _VIA.match(line)))
    return Locked(found[1], found[2], found[3] or "", sha256, tuple(name for name in via if name))


def bom_of_lock(name: str, packages: Iterable[Locked]) -> Bom:
    """Return the bill of the lock `name`, with who needs whom."""
    bom, root = _bom(name)
    components = {package: _package(package) for package in packages}
    by_name: dict[str, list[Component]] = {}
    for package, component in components.items():
        bom.components.add(component)
        by_name.setdefault(package.name, []).append(component)
    for package, component in components.items():
        bom.register_dependency(component)
        for needing in package.via or ("",):
            for parent in by_name.get(needing.partition(" ")[0], [root]):
                bom.register_dependency(parent, [component])
    return bom


def bom_of_nets(manifests: Iterable[Manifest]) -> Bom:
    """Return the bill of exported nets: each is a model that consists of the files that it was made from."""
    bom, root = _bom(NETS)
    for manifest in manifests:
        net = Component(
            type=ComponentType.MACHINE_LEARNING_MODEL,
            name=manifest.net,
            version=manifest.profile,
            bom_ref=f"{manifest.profile}/{manifest.net}",
            hashes=[_sha256(manifest.onnx_sha256)],
            licenses=_licences({source.licence for source in manifest.sources}),
            properties=[
                Property(name="modelhub:recipe", value=manifest.recipe),
                Property(name="modelhub:seeded", value=str(manifest.seeded).lower()),
            ],
        )
        net.components.update(
            _source(source, f"{manifest.profile}/{manifest.net}/{number}")
            for number, source in enumerate(manifest.sources)
        )
        bom.components.add(net)
        bom.register_dependency(root, [net])
    return bom


def exported(project: Path) -> Iterator[Manifest]:
    """Yield the manifests of the nets that are exported, of every profile."""
    for profile in Profile:
        repository = project / profile.repository
        for net in sorted(folder.name for folder in repository.glob("*_net")):
            path = manifest_path(repository, net)
            if path.is_file():
                yield load_manifest(path)


def write_all(project: Path, folder: Path) -> list[Path]:
    """Write every bill into `folder` and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    bills = {
        name: bom_of_lock(name, locked((project / "requirements" / f"{name}.txt").read_text()))
        for name in LOCKS
    }
    bills[NETS] = bom_of_nets(exported(project))
    written = []
    for name, bom in bills.items():
        written.append(folder / f"{name}.json")
        written[-1].write_text(text_of(bom))
    return written


def text_of(bom: Bom) -> str:
    """Return the bill as JSON of CycloneDX 1.6."""
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _bom(name: str) -> tuple[Bom, Component]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    root = Component(
        type=ComponentType.APPLICATION,
        name=f"{project['name']}-{name}",
        version=project["version"],
        bom_ref=name,
    )
    bom = Bom()
    bom.metadata.component = root
    return bom, root


def _package(package: Locked) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        purl=PackageURL("pypi", None, package.name, package.version),
        bom_ref=f"{package.name}=={package.version}",
        hashes=map(_sha256, package.sha256),
        licenses=_licences(_installed_licence(package)),
        properties=[Property(name="modelhub:marker", value=package.marker)] if package.marker else [],
    )


def _source(source: Source, reference: str) -> Component:
    return Component(
        type=ComponentType.DATA,
        name=source.file,
        version=source.version,
        group=source.package,
        bom_ref=reference,
        hashes=[_sha256(source.sha256)],
        licenses=_licences({source.licence}),
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _licences(texts: Iterable[str]) -> list[License]:
    """Return licences by SPDX's identifiers where they have one, else by name."""
    return [_licence(text) for text in sorted(texts) if text]


def _licence(text: str) -> DisjunctiveLicense:
    identifier = fixup_id(text)
    return DisjunctiveLicense(id=identifier) if identifier else DisjunctiveLicense(name=text)


def _installed_licence(package: Locked) -> set[str]:
    """Return the licence that the package states, known where this environment has the same version."""
    try:
        installed = metadata.metadata(package.name).json
    except metadata.PackageNotFoundError:
        return set()
    stated = str(installed.get("license_expression") or installed.get("license") or "")
    return {stated} if installed["version"] == package.version and "\n" not in stated else set()


if __name__ == "__main__":
    for path in write_all(PROJECT, Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")
