"""Pods: confined, in order, with room enough, and never stopped before they have finished."""

import re
import subprocess
from pathlib import Path

import pytest
from starlette.routing import Route

from backends import probe
from embedded.checks import HEADROOM_BYTES, REGION_BYTES
from embedded.paths import ROOT
from embedded.repository import stub_counts
from gateway.app import create_app
from gateway.settings import Settings
from tests.repository.docker.compose import DEFAULTS
from tests.repository.docker.test_names import BODY_COPIES
from tests.repository.kubernetes.manifests import (
    Manifest,
    amount,
    environment,
    every_overlay,
    objects,
    one,
    pods_and_containers,
    ports,
    serving,
)
from vision.manifest import Profile

UID = 1000


def exit_timeout_s() -> int:
    script = (ROOT / "deploy" / "docker" / "serve-triton.sh").read_text()
    (told,) = re.findall(r"--exit-timeout-secs=(\d+)", script)
    return int(told)


def deadline_s(overlay: str) -> float:
    told = environment(overlay, serving(overlay).gateway).get("MODELHUB_DEADLINE_S")
    return float(told) if told else DEFAULTS.deadline_s


def sleep_s(container: Manifest) -> int:
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    return int(command[1])


@every_overlay
def test_every_pod_is_confined(overlay: str) -> None:
    for pod, containers in pods_and_containers(overlay):
        assert pod["automountServiceAccountToken"] is False
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == UID
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_images_run_as_the_pods_user() -> None:
    for dockerfile in (ROOT / "deploy" / "docker").glob("*.Dockerfile"):
        users = re.findall(r"^USER (\S+)$", dockerfile.read_text(), re.MULTILINE)
        assert users[-1] == f"{UID}:{UID}", dockerfile


@every_overlay
def test_namespace_refuses_pods_that_are_less_confined(overlay: str) -> None:
    labels = one(overlay, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@every_overlay
def test_no_service_is_told_as_a_setting_of_ours(overlay: str) -> None:
    """Kubernetes tells a Service `modelhub` to later pods as MODELHUB_PORT=tcp://10.0.0.1:80."""
    for pod, _ in pods_and_containers(overlay):
        assert pod["enableServiceLinks"] is False


@every_overlay
def test_every_container_has_bounds_and_no_image_floats(overlay: str) -> None:
    for _, containers in pods_and_containers(overlay):
        for container in containers:
            assert amount(container["resources"]["limits"]["memory"])
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
            assert re.search(r":\d+\.\d+\.\d+(-cpu|-gpu)?$", container["image"])


@every_overlay
def test_gpus_are_asked_for_where_triton_uses_them(overlay: str) -> None:
    asking = [
        container["name"]
        for _, containers in pods_and_containers(overlay)
        for container in containers
        if "nvidia.com/gpu" in container["resources"]["limits"]
    ]
    assert asking == (["plans", "triton"] if overlay == "gpu" else [])


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_nets_then_plans_then_triton_then_the_gateway(overlay: str) -> None:
    """A patch that names one container of a list moves it to the list's beginning."""
    pod = one(overlay, "Deployment")["spec"]["template"]["spec"]
    names = [container["name"] for container in pod["initContainers"]]
    assert names == [*(["models", "plans"] if overlay == "gpu" else ["models"]), "triton"]
    # Of the sidecars alone it is said that they start before the containers and stop after them.
    sidecars = [item["name"] for item in pod["initContainers"] if item.get("restartPolicy") == "Always"]
    assert sidecars == ["triton"]


@every_overlay
def test_nothing_is_killed_before_it_has_finished(overlay: str) -> None:
    pod, triton, gateway, _, _ = serving(overlay)
    grace = pod["terminationGracePeriodSeconds"]
    gateway_s = sleep_s(gateway) + deadline_s(overlay)
    if overlay == "kserve":  # both are told to stop at one time, and Triton has to wait by itself
        assert sleep_s(triton) > gateway_s
        gateway_s = sleep_s(triton)
    # Measured: a Triton one of whose processes was dead takes three seconds more than its timeout.
    assert grace > gateway_s + exit_timeout_s() + 3


@every_overlay
def test_gateways_probes_ask_what_it_answers_and_wait_long_enough(overlay: str) -> None:
    gateway = serving(overlay).gateway
    paths = {route.path for route in create_app(Settings()).routes if isinstance(route, Route)}
    probes = {kind: gateway[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")}
    for told in probes.values():
        assert told["httpGet"]["path"] in paths
        assert told["httpGet"]["port"] in ports(gateway)
    assert probes["startup"]["httpGet"]["path"] == probes["readiness"]["httpGet"]["path"] == "/health/ready"
    assert probes["liveness"]["httpGet"]["path"] == "/health/live"  # Triton's faults restart no gateway
    for kind in ("startup", "readiness"):  # each service has the deadline to answer in, all at one time
        assert probes[kind]["timeoutSeconds"] > deadline_s(overlay)


@every_overlay
def test_tritons_probes_are_tiny_inferences_with_time_for_healing(overlay: str) -> None:
    triton = serving(overlay).triton
    for kind in ("startup", "liveness"):
        told = triton[f"{kind}Probe"]
        assert told["exec"]["command"] == ["python3", "-m", probe.__spec__.name]
        assert told["timeoutSeconds"] > probe.BUDGET_S > deadline_s(overlay)
    liveness = triton["livenessProbe"]
    # Healing takes ten seconds at the most; a restart is for what healing does not mend.
    assert liveness["periodSeconds"] * (liveness["failureThreshold"] - 1) >= 60
    assert triton["startupProbe"]["periodSeconds"] * triton["startupProbe"]["failureThreshold"] >= 600


@every_overlay
def test_shared_memory_has_room_and_memory_has_room_for_it(overlay: str) -> None:
    _, triton, _, _, volumes = serving(overlay)
    shm = next(mount["name"] for mount in triton["volumeMounts"] if mount["mountPath"] == "/dev/shm")
    told = volumes[shm]["emptyDir"]
    assert told["medium"] == "Memory"
    stubs = max(sum(stub_counts(ROOT / profile.repository).values()) for profile in Profile)
    assert amount(told["sizeLimit"]) >= stubs * REGION_BYTES + HEADROOM_BYTES
    assert amount(triton["resources"]["limits"]["memory"]) > 2 * amount(told["sizeLimit"])


@every_overlay
def test_gateway_has_the_memory_for_what_it_admits(overlay: str) -> None:
    gateway = serving(overlay).gateway
    told = environment(overlay, gateway)
    places = int(told.get("MODELHUB_MAX_IN_FLIGHT") or DEFAULTS.max_in_flight)
    body = int(told.get("MODELHUB_MAX_BODY_BYTES") or DEFAULTS.max_body_bytes)
    # Bodies that are being received hold as much as those in work at most, once.
    assert amount(gateway["resources"]["limits"]["memory"]) > places * body * (BODY_COPIES + 1)


@every_overlay
def test_only_what_is_written_to_is_writable(overlay: str) -> None:
    _, triton, gateway, _, volumes = serving(overlay)
    for container in (triton, gateway):
        writable = {
            mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly", False)
        }
        assert writable <= {"/tmp", "/dev/shm"}
    for name, volume in volumes.items():
        if "emptyDir" in volume:
            assert amount(volume["emptyDir"]["sizeLimit"]), name


@every_overlay
def test_repositories_lie_side_by_side_where_the_script_looks(overlay: str) -> None:
    mounts = {mount["mountPath"]: mount for mount in serving(overlay).triton["volumeMounts"]}
    for profile in Profile:
        mount = mounts[f"/app/{profile.repository}"]
        assert mount["subPath"] == profile.repository
        assert mount["readOnly"]


@every_overlay
def test_every_mount_has_a_volume_and_every_volume_a_mount(overlay: str) -> None:
    _, triton, gateway, before, volumes = serving(overlay)
    mounted = {mount["name"] for item in (*before, triton, gateway) for mount in item["volumeMounts"]}
    assert mounted == set(volumes)
    claims = {
        item["metadata"]["name"] for item in objects(overlay) if item["kind"] == "PersistentVolumeClaim"
    }
    wanted = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes.values()
        if "persistentVolumeClaim" in volume
    }
    assert wanted == claims


@every_overlay
def test_rollouts_and_drains_leave_pods_that_serve(overlay: str) -> None:
    if overlay == "kserve":
        strategy = one(overlay, "InferenceService")["spec"]["predictor"]["deploymentStrategy"]
    else:
        strategy = one(overlay, "Deployment")["spec"]["strategy"]
        assert "replicas" not in one(overlay, "Deployment")["spec"]  # the autoscaler's
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert one(overlay, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert one(overlay, "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2
    assert serving(overlay).pod["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_kserves_pods_are_the_overlays_pods() -> None:
    """Its two containers are written anew, KServe's object being another: nothing of them may differ."""
    cpu, kserve = serving("cpu"), serving("kserve")
    same = [
        "image",
        "env",
        "ports",
        "resources",
        "securityContext",
        "startupProbe",
        "livenessProbe",
        "volumeMounts",
    ]
    for field in same:
        assert kserve.triton[field] == cpu.triton[field], field
    for field in (*same, "readinessProbe", "lifecycle"):
        ours, theirs = cpu.gateway[field], kserve.gateway[field]
        if field == "ports":  # KServe makes a Service of them and wants the protocol
            theirs = [{key: value for key, value in port.items() if key != "protocol"} for port in theirs]
        if field == "startupProbe":  # there is no sidecar that starts before: the nets load meanwhile
            assert theirs["failureThreshold"] * theirs["periodSeconds"] >= 600
            theirs = theirs | {"failureThreshold": ours["failureThreshold"]}
        assert theirs == ours, field
    shared = set(cpu.volumes) - {"models"}
    assert {name: kserve.volumes[name] for name in shared} == {name: cpu.volumes[name] for name in shared}
    confined = "automountServiceAccountToken enableServiceLinks securityContext terminationGracePeriodSeconds"
    for field in confined.split():
        assert kserve.pod[field] == cpu.pod[field], field


def test_nets_are_copied_twice_without_complaint(tmp_path: Path) -> None:
    """A pod whose sandbox is made anew runs its first container again, over what it copied."""
    dockerfile = (ROOT / "deploy" / "docker" / "models.Dockerfile").read_text()
    (command,) = re.findall(r"^CMD \[(.+)\]$", dockerfile, re.MULTILINE)
    source, target = tmp_path / "models", tmp_path / "target"
    (source / "lite" / "net" / "1").mkdir(parents=True)
    (source / "lite" / "net" / "1" / "model.onnx").write_bytes(b"graph")
    (source / "full").mkdir()
    (source / "full" / "net").symlink_to("../lite/net")
    target.mkdir()
    places = {"/models/.": f"{source}/.", "/target": str(target)}
    arguments = [places.get(part, part) for part in re.findall(r'"([^"]+)"', command)]
    for _ in range(2):
        subprocess.run(arguments, check=True)
        assert (target / "full" / "net").readlink() == Path("../lite/net")
        assert (target / "full" / "net" / "1" / "model.onnx").read_bytes() == b"graph"
