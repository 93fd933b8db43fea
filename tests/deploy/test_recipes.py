"""Validates the recipes by the published schemas. Nothing is deployed, and kustomize is not run."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

import kubernetes_validate
import pytest
import yaml

from skinapi.base.problem import PROBLEM_TYPE, Problem
from skinapi.base.settings.settings import OUTLETS, Settings
from tests.deploy.promql import PROMETHEUS
from tests.repository.documents import ROOT
from tests.support.access import ROWS
from tests.support.backends import PASSWORD, Backend

DEPLOY = PROMETHEUS.parent
HAPROXY = DEPLOY / "haproxy.cfg"
BASE, EXAMPLE = DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "overlays" / "example"
SCHEMAS = "1.37"
SETTINGS = {name.upper() for name in Settings.model_fields}
ROUTES = {row.path for row in ROWS.values()}
PORT = Settings.model_fields["port"].default
SECRETS = {
    name.upper()
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
}
Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    files = [path for path in sorted(BASE.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [item for path in files for item in yaml.safe_load_all(path.read_text())]


def of_kind(kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests() if manifest["kind"] == kind]


def containers() -> Iterator[Manifest]:
    for deployment in of_kind("Deployment"):
        yield from deployment["spec"]["template"]["spec"]["containers"]
    cloud_run = yaml.safe_load((DEPLOY / "cloudrun.yaml").read_text())
    yield from cloud_run["spec"]["template"]["spec"]["containers"]


def fly_settings() -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((DEPLOY / "fly.toml").read_text())["env"]
    return found


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda item: f"{item['kind']} {item['metadata']['name']}"
)
def test_a_manifest_is_valid_by_the_published_schema(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, SCHEMAS, strict=True)


def test_settings_are_real_and_secrets_are_named_and_not_contained() -> None:
    (settings,) = of_kind("ConfigMap")
    assert settings["data"].keys() <= SETTINGS - SECRETS
    assert of_kind("Secret") == []
    for container in containers():
        for variable in container["env"]:
            assert variable["name"] in SETTINGS
            assert (variable["name"] in SECRETS) == ("valueFrom" in variable), variable["name"]
    assert fly_settings().keys() <= SETTINGS - SECRETS


def test_a_pod_of_the_server_gets_each_secret_and_each_way_out_has_its_port_named() -> None:
    (server,) = (item for item in of_kind("Deployment") if item["metadata"]["name"] == "skinapi")
    (container,) = server["spec"]["template"]["spec"]["containers"]
    given = {
        variable["name"]: variable["valueFrom"]["secretKeyRef"] for variable in container["env"]
    }
    assert given.keys() == SECRETS
    must = {name for name, reference in given.items() if not reference.get("optional")}
    assert must == {"MONGO_URI", "JWT_SECRET_KEY"}
    policies = (BASE / "network-policies.yaml").read_text()
    for name in {*OUTLETS, "webhooks"} - {"mongo_uri"}:
        assert name in policies or name.upper() in policies, name


def test_probes_ask_routes_of_the_server_at_its_port() -> None:
    asked = set()
    for container in containers():
        ports = {PORT, *(port.get("name") for port in container.get("ports", []))}
        assert all(port["containerPort"] == PORT for port in container.get("ports", []))
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe := container.get(name, {}).get("httpGet"):
                asked.add(probe["path"])
                assert probe["port"] in ports
    assert asked == {"/healthz", "/readyz"}
    assert asked <= ROUTES
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text())["http_service"]
    assert fly["internal_port"] == PORT
    assert {check["path"] for check in fly["checks"]} == {"/readyz"}
    (service,) = of_kind("Service")
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


@pytest.mark.parametrize(
    "deployment", of_kind("Deployment"), ids=lambda item: item["metadata"]["name"]
)
def test_a_pod_is_as_confined_as_the_image_allows(deployment: Manifest) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {pod['securityContext']['runAsUser']} " in (ROOT / "Dockerfile").read_text()
    (container,) = pod["containers"]
    confined = container["securityContext"]
    assert confined["readOnlyRootFilesystem"] is True
    assert confined["allowPrivilegeEscalation"] is False
    assert confined["capabilities"] == {"drop": ["ALL"]}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", "/data"}
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}


def gibibytes(quantity: str) -> int:
    return int(quantity.removesuffix("Gi"))


@pytest.mark.parametrize(
    "deployment", of_kind("Deployment"), ids=lambda item: item["metadata"]["name"]
)
def test_a_pod_fills_no_disk_of_its_node(deployment: Manifest) -> None:
    pod = deployment["spec"]["template"]["spec"]
    sizes = {item["name"]: gibibytes(item["emptyDir"]["sizeLimit"]) for item in pod["volumes"]}
    assert sizes["data"] * 1024**3 >= 3 * Settings.model_fields["max_dataset_bytes"].default
    (container,) = pod["containers"]
    storage = {
        kind: gibibytes(each["ephemeral-storage"]) for kind, each in container["resources"].items()
    }
    assert storage["requests"] < sum(sizes.values()) < storage["limits"]


def test_a_server_that_ends_still_serves_while_the_proxies_learn_of_it() -> None:
    (server,) = (item for item in of_kind("Deployment") if item["metadata"]["name"] == "skinapi")
    pod = server["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    settings = (ROOT / "gunicorn.conf.py").read_text()
    graceful = re.search(r"^graceful_timeout = (\d+)$", settings, re.MULTILINE)
    assert graceful
    assert int(seconds) + int(graceful[1]) < pod["terminationGracePeriodSeconds"]


def test_the_instance_folder_is_made_inside_its_volume() -> None:
    """The root of a volume is open to every user, and the server refuses such a folder."""
    (settings,) = of_kind("ConfigMap")
    assert PurePosixPath(settings["data"]["INSTANCE_DIR"]).parent == PurePosixPath("/data")


# As https://fly.io/docs/networking/request-headers/ shows it: the caller, then the app's address.
FROM_FLY = "77.97.0.98, 77.83.142.33"


def test_on_fly_no_caller_uses_up_the_logins_of_another(tmp_path: Path) -> None:
    proxies = int(fly_settings()["TRUSTED_PROXIES"])
    backend = Backend(tmp_path, trusted_proxies=proxies, rate_log_in="1/minute")

    def log_in(forwarded: str) -> int:
        body = {"email": "ada@example.org", "password": PASSWORD}
        headers = {"X-Forwarded-For": forwarded}
        return backend.anyone.post("/login", json=body, headers=headers).status_code

    assert log_in(FROM_FLY) == HTTPStatus.UNAUTHORIZED
    assert log_in(FROM_FLY) == HTTPStatus.TOO_MANY_REQUESTS
    assert log_in(f"192.0.2.7, {FROM_FLY}") == HTTPStatus.TOO_MANY_REQUESTS
    assert log_in(FROM_FLY.replace("77.97.0.98", "77.97.0.99")) == HTTPStatus.UNAUTHORIZED


def test_the_bill_of_materials_lists_each_pinned_requirement() -> None:
    locked = "requirements-serve.txt"
    command = [sys.executable, "deploy/sbom.py", locked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    bill = json.loads(done.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    lines = (ROOT / locked).read_text().splitlines()
    pins = [line.split()[0] for line in lines if "==" in line and not line.lstrip().startswith("#")]
    listed = [f"{each['name']}=={each['version']}" for each in bill["components"]]
    assert listed == [re.sub(r"\[.*\]", "", pin) for pin in pins]
    assert len({each["bom-ref"] for each in bill["components"]}) == len(listed)


def test_the_proxy_is_set_up_validly() -> None:
    program = shutil.which("haproxy")
    if not program:
        pytest.skip("no haproxy is installed")
    command = [program, "-c", "-f", str(HAPROXY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_proxy_does_not_read_requests_as_root() -> None:
    everywhere = HAPROXY.read_text().partition("\ndefaults\n")[0]
    for right in ("user", "group"):
        assert re.search(rf'^    {right} "\${{SKINAPI_PROXY_\w+-haproxy}}"$', everywhere, re.M)


def test_the_proxy_asks_and_answers_as_the_servers_do() -> None:
    text = HAPROXY.read_text()
    assert set(re.findall(r"uri (\S+)", text)) == {"/readyz"}
    answers = re.findall(
        r"^ *http-error status (\d+) content-type (\S+) .*'(.*)'", text, re.MULTILINE
    )
    assert {status for status, *_ in answers} == {"502", "503", "504"}
    for status, kind, body in answers:
        problem = Problem.model_validate_json(body)
        assert (kind, str(problem.status)) == (PROBLEM_TYPE, status)
        assert problem.title == HTTPStatus(problem.status).phrase
        assert {problem.detail, problem.error, problem.message} == {problem.msg}
