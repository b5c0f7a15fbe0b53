"""What the manifests call things, against the code that they run."""

import ipaddress
import re

import pytest

from embedded.paths import ROOT
from gateway import url_policy
from gateway.settings import Settings
from tests.repository.docker.compose import DEFAULTS, PREFIX, variable
from tests.repository.kubernetes.manifests import (
    OVERLAYS,
    environment,
    every_overlay,
    objects,
    one,
    pods_and_containers,
    ports,
    serving,
)
from tests.repository.kubernetes.schemas import RELEASES
from vision.manifest import Profile


@every_overlay
def test_gateway_knows_every_variable(overlay: str) -> None:
    told = environment(overlay, serving(overlay).gateway)
    assert set(told) <= {variable(field) for field in Settings.model_fields}
    given = {name.removeprefix(PREFIX).lower(): value for name, value in told.items() if value is not None}
    settings = Settings.model_validate(given)
    assert settings.host == settings.metrics_host == "0.0.0.0"
    assert settings.triton_host == "127.0.0.1"
    assert told["MODELHUB_TRITON_KEY"] is None  # out of a Secret


@every_overlay
def test_triton_is_given_what_its_script_and_its_stubs_need(overlay: str) -> None:
    told = environment(overlay, serving(overlay).triton)
    script = (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text()
    read = set(re.findall(r"\$\{?(MODELHUB_\w+)", script))
    limits = set(re.findall(r"environ\S*\(\"(\w+)\"", (ROOT / "modelhub_pictures" / "limits.py").read_text()))
    assert {"MODELHUB_PROFILE", "MODELHUB_TRITON_KEY"} <= set(told) <= read | limits
    assert Profile(str(told["MODELHUB_PROFILE"])) is (Profile.FULL if overlay == "gpu" else Profile.LITE)


@every_overlay
def test_both_have_one_key(overlay: str) -> None:
    _, triton, gateway, _, _ = serving(overlay)
    keys = [
        [entry for entry in container["env"] if entry["name"] == "MODELHUB_TRITON_KEY"]
        for container in (triton, gateway)
    ]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 1


@every_overlay
def test_ports_are_those_of_the_settings(overlay: str) -> None:
    _, triton, gateway, _, _ = serving(overlay)
    told = environment(overlay, gateway)
    numbers = {"http": told["MODELHUB_PORT"], "metrics": told["MODELHUB_METRICS_PORT"]}
    assert {name: str(number) for name, number in ports(gateway).items()} == numbers
    # Triton's own ports are for the gateway beside it; Prometheus alone is let to one of them.
    assert ports(triton) == {"triton-metrics": DEFAULTS.triton_metrics_port}


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_service_leads_to_the_gateway_alone(overlay: str) -> None:
    service = one(overlay, "Service")["spec"]
    assert [port["targetPort"] for port in service["ports"]] == ["http"]
    assert service["selector"] == one(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]


@every_overlay
def test_tokens_are_where_the_setting_says(overlay: str) -> None:
    _, _, gateway, _, volumes = serving(overlay)
    path = environment(overlay, gateway)["MODELHUB_TOKEN_FILE"]
    mount = next(item for item in gateway["volumeMounts"] if item["name"] == "tokens")
    assert path == f"{mount['mountPath']}/tokens"
    assert "subPath" not in mount  # such a mount is not seen to change
    assert volumes["tokens"]["secret"]["defaultMode"] & 0o007 == 0


@every_overlay
def test_no_secret_is_in_the_manifests(overlay: str) -> None:
    assert not [item for item in objects(overlay) if item["kind"] == "Secret"]
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    named = {entry["valueFrom"]["secretKeyRef"]["name"] for entry in serving(overlay).gateway["env"]} | {
        serving(overlay).volumes["tokens"]["secret"]["secretName"]
    }
    for name in named:
        assert f"create secret generic {name}" in page


def selected(overlay: str) -> dict[str, str]:
    """Labels of the pods that serve."""
    if overlay == "kserve":
        labels: dict[str, str] = one(overlay, "ServingRuntime")["spec"]["labels"]
    else:
        labels = one(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]
    return labels


@every_overlay
def test_everything_means_the_pods_that_serve(overlay: str) -> None:
    labels = selected(overlay)
    selectors = [one(overlay, "NetworkPolicy")["spec"]["podSelector"]]
    selectors += [one(overlay, kind)["spec"]["selector"] for kind in ("PodMonitor", "PodDisruptionBudget")]
    if overlay != "kserve":
        selectors.append(one(overlay, "Deployment")["spec"]["selector"])
    for constraint in serving(overlay).pod["topologySpreadConstraints"]:
        selectors.append(constraint["labelSelector"])
    assert selectors == [{"matchLabels": labels}] * len(selectors)
    target = one(overlay, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    if overlay == "kserve":  # of a predictor's Deployment KServe makes the name so
        assert target["name"] == one(overlay, "InferenceService")["metadata"]["name"] + "-predictor"
    else:
        deployment = one(overlay, "Deployment")
        named = {key: deployment[key] for key in ("apiVersion", "kind")}
        assert target == named | {"name": deployment["metadata"]["name"]}


@every_overlay
def test_prometheus_finds_every_metrics_port_and_is_let_to_it(overlay: str) -> None:
    _, triton, gateway, _, _ = serving(overlay)
    named = {name for container in (triton, gateway) for name in ports(container) if "metrics" in name}
    assert len(named) == 2
    assert {item["port"] for item in one(overlay, "PodMonitor")["spec"]["podMetricsEndpoints"]} == named
    everybody, prometheus = one(overlay, "NetworkPolicy")["spec"]["ingress"]
    assert everybody == {"ports": [{"port": "http"}]}
    assert {item["port"] for item in prometheus["ports"]} == named
    assert prometheus["from"][0]["namespaceSelector"]


@every_overlay
def test_the_way_out_leads_to_public_addresses_on_the_ports_of_urls(overlay: str) -> None:
    policy = one(overlay, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    names, pictures = policy["egress"]
    assert {item["port"] for item in names["ports"]} == {53}
    assert {item["port"] for item in pictures["ports"]} == url_policy.ports(DEFAULTS.url_ports)


def let_out(overlay: str, address: str) -> bool:
    found = ipaddress.ip_address(address)
    blocks = [item["ipBlock"] for item in one(overlay, "NetworkPolicy")["spec"]["egress"][1]["to"]]
    return any(
        found in ipaddress.ip_network(block["cidr"])
        and not any(found in ipaddress.ip_network(private) for private in block["except"])
        for block in blocks
    )


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("10.96.0.1", False),
        ("172.16.0.1", False),
        ("172.31.255.255", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2001:db8::1", False),
        ("2002:a00:1::", False),
        ("93.184.216.34", True),
        ("172.32.0.1", True),
        ("2606:2800:220:1::1", True),
    ],
)
def test_the_network_lets_out_to_no_address_that_the_gateway_refuses(address: str, public: bool) -> None:
    assert let_out("cpu", address) is public


@every_overlay
def test_every_image_is_built_here(overlay: str) -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    used = {
        container["image"].partition("/")[2]
        for _, containers in pods_and_containers(overlay)
        for container in containers
    }
    built = {
        f"{match[2]}"
        for match in re.finditer(r"docker build (.+?) -t \$REGISTRY/(\S+) \.", page)
        if (ROOT / re.findall(r"-f (\S+)", match[1])[0]).is_file()
    }
    assert used <= built


def test_images_have_the_projects_version() -> None:
    (version,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    for overlay in OVERLAYS:
        for _, containers in pods_and_containers(overlay):
            for container in containers:
                tag = container["image"].rpartition(":")[2]
                assert tag.removesuffix("-cpu").removesuffix("-gpu") == version


def test_triton_of_each_overlay_is_the_stage_of_its_name() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    for target in ("cpu", "gpu"):
        assert f"--target {target} -t $REGISTRY/modelhub-triton:0.1.0-{target} ." in page
        assert serving(target).triton["image"].endswith(f"-{target}")
    assert "command" not in serving("gpu").triton  # the image's own, which checks the plans
    assert "args" not in serving("gpu").triton


def test_kserve_asks_triton_whether_it_listens_where_the_gateway_finds_it() -> None:
    (command,) = serving("kserve").triton["readinessProbe"]["exec"]["command"][2:]
    assert f"('{DEFAULTS.triton_host}', {DEFAULTS.triton_grpc_port})" in command
    compile(command, "probe", "exec")


def test_page_names_files_and_releases_that_there_are() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    named = re.findall(r"-[fk] (deploy/\S+)", page)
    assert len(named) >= 8
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert {path.rpartition("/")[2] for path in named if "overlays" in path} == set(OVERLAYS)
    assert f"{RELEASES[0]} and {RELEASES[1]}" in page
    assert f"Kubernetes {RELEASES[0]} or newer" in page
