"""ops/kubernetes.yaml: one gate with a volume and no rights, whose API nobody reaches, and the only way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from proxy.app import DRAIN
from proxy.config import Config
from proxy.loading import load
from proxy.ops import PATHS
from tests.ops.conftest import OPERATIONS, OPS, ROOT

MANIFEST: Final[list[dict[str, Any]]] = list(yaml.safe_load_all((OPS / "kubernetes.yaml").read_text()))
(GATE,) = (each for each in MANIFEST if each["kind"] == "StatefulSet")
POD: Final[dict[str, Any]] = GATE["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
LABELS: Final = GATE["spec"]["template"]["metadata"]["labels"]


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Give the manifest's objects of a kind by name."""
    return {each["metadata"]["name"]: each["spec"] for each in MANIFEST if each["kind"] == kind}


@pytest.fixture(name="deployed")
def _deployed(tmp_path: Path) -> Config:
    """Load the configuration of the manifest, with secrets as they would be mounted."""
    text = next(each for each in MANIFEST if each["kind"] == "ConfigMap")["data"]["config.yaml"]
    (mount,) = (each["mountPath"] for each in CONTAINER["volumeMounts"] if each["name"] == "secrets")
    for name in secrets():
        (tmp_path / name).write_text(f"{name} of this test\n")
    path = tmp_path / "config.yaml"
    path.write_text(text.replace(mount, str(tmp_path)))
    return load(path, {}).config


def secrets() -> set[str]:
    """Name the entries of the Secret that operations.md has the operator make."""
    text = OPERATIONS.read_text().replace("\\\n", "")
    (command,) = re.findall(r"kubectl create secret generic sendgate (.+)", text)
    return set(re.findall(r"--from-literal=([\w-]+)=", command))


def test_the_configuration_on_kubernetes_is_valid(deployed: Config) -> None:
    """The ConfigMap's file loads with the Secret that the document makes, and its store lies on the volume."""
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert deployed.store.pepper
    assert str(deployed.store.path.parent) == mounts["data"]
    assert CONTAINER["args"] == ["serve", "--config", f"{mounts['config']}/config.yaml"]
    assert not any("subPath" in mount for mount in CONTAINER["volumeMounts"])


def test_the_ports_on_kubernetes_are_the_listeners(deployed: Config) -> None:
    """Each named port of the pod is that of its listener, open to others; the API is on loopback and in no Service."""
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    listen = {door: getattr(deployed.listen, door).address for door in ("proxy", "api", "public", "ops")}
    asked = [port["targetPort"] for service in of_kind("Service").values() for port in service["ports"]]
    assert ports == {door: address.port for door, address in listen.items() if door != "api"}
    assert [door for door, address in listen.items() if address.loopback] == ["api"]
    assert sorted(asked) == sorted(ports)
    assert all(service["selector"] == LABELS for service in of_kind("Service").values())
    assert of_kind("Service")[GATE["spec"]["serviceName"]]["clusterIP"] == "None"


def test_one_gate_writes_the_store_on_kubernetes() -> None:
    """There is one replica, its volume belongs to one pod, and it is given the time it takes to stop."""
    (claim,) = GATE["spec"]["volumeClaimTemplates"]
    assert GATE["spec"]["replicas"] == 1
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]
    assert POD["terminationGracePeriodSeconds"] > DRAIN


def test_the_pod_has_no_rights() -> None:
    """It runs as a user without rights, the image's own, on a file system it cannot write to."""
    (uid,) = re.findall(r"--uid (\d+)", (ROOT / "Dockerfile").read_text())
    rights = CONTAINER["securityContext"]
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == POD["securityContext"]["fsGroup"] == int(uid)
    assert POD["automountServiceAccountToken"] is False
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["capabilities"]["drop"] == ["ALL"]


def test_the_probes_ask_what_the_gate_answers() -> None:
    """Liveness asks for the process alone, readiness for a send that would be judged, both on the ops listener."""
    probes = {name: CONTAINER[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["port"] for probe in probes.values()} == {"ops"}
    assert {probe["path"] for probe in probes.values()} <= PATHS
    assert probes["livenessProbe"]["path"] == probes["startupProbe"]["path"] == "/health/live"
    assert probes["readinessProbe"]["path"] == "/health/ready"


def test_the_gate_is_the_only_way_out() -> None:
    """A policy keeps every pod from all addresses outside the cluster; another lets the gate alone reach port 443."""
    policies = of_kind("NetworkPolicy")
    going_out = {name: policy for name, policy in policies.items() if "Egress" in policy["policyTypes"]}
    outside = {
        name: [port["port"] for port in rule.get("ports", ())]
        for name, policy in going_out.items()
        for rule in policy["egress"]
        for to in rule.get("to", [{"ipBlock": "anywhere"}])
        if "ipBlock" in to
    }
    everybody = [policy for policy in going_out.values() if policy["podSelector"] == {}]
    assert len(everybody) == 1
    assert outside == {"sendgate-to-providers": [443]}
    assert going_out["sendgate-to-providers"]["podSelector"]["matchLabels"] == LABELS
