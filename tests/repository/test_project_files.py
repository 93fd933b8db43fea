"""Licences, changelog, containers and checks: the files beside the code that people expect."""

import hashlib
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import yaml

from skinapi.base.settings import VERSION, Settings
from tests.repository.documents import ROOT

SETTINGS = {name.upper() for name in Settings.model_fields}
MODELS = ROOT / "skinapi" / "models"
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_the_code_is_under_the_apache_licence_to_the_letter() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_the_models_licence_says_what_their_cards_say() -> None:
    words = " ".join((MODELS / "LICENSE").read_text().split())
    cards = sorted(MODELS.glob("*/card.json"))
    assert cards
    for card in cards:
        assert card.parent.name in words
        assert json.loads(card.read_text())["licence"] in words


def test_what_is_not_released_has_the_number_of_the_next_release() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    sections = re.split(r"^## \[(.+?)\].*$", changes, flags=re.MULTILINE)[1:]
    unreleased, *released = sections[::2]
    assert unreleased == "Unreleased"
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
    if sections[1].strip():
        number, dev, _ = VERSION.partition(".dev")
        assert (dev, number in released) == (".dev", False)
        assert number in sections[1]
    else:
        assert released[0] == VERSION


def test_the_release_notes_fit_on_a_screen() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    notes = changes.partition("## [Unreleased]")[2].partition("\n## [")[0]
    assert len(notes.splitlines()) <= 60


def test_the_recipes_run_the_image_of_this_version() -> None:
    recipes = [*(ROOT / "deploy").rglob("*.yaml")]
    tags = [
        tag
        for recipe in recipes
        for tag in re.findall(r"(?:newTag: |/skinapi:)([\w.]+)", recipe.read_text())
    ]
    assert tags
    assert set(tags) == {VERSION}


# --- Docker cannot be run where the tests run; what can be read is checked ---


def _dockerfile() -> list[list[str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [line.split(maxsplit=1) for line in lines]


def test_the_image_copies_what_is_there_and_what_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    copied = [
        source
        for word, rest in _dockerfile()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert {"skinapi", "wsgi.py", "gunicorn.conf.py", "requirements-serve.txt"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source.removeprefix('./')}" in ignored, source


def test_the_image_serves_as_a_user_that_is_not_root() -> None:
    words = [word for word, _ in _dockerfile()]
    (user,) = (rest for word, rest in _dockerfile() if word == "USER")
    assert user not in ("root", "0")
    assert words.index("USER") > words.index("FROM", 1)
    assert words[-1] == "CMD"
    (health,) = (rest for word, rest in _dockerfile() if word == "HEALTHCHECK")
    program = json.loads(health.partition("CMD ")[2])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "healthcheck", "exec")
    installs = [rest for word, rest in _dockerfile() if word == "RUN" and "pip install" in rest]
    for install, needed in zip(installs, ("${REQUIREMENTS}", "requirements.txt"), strict=True):
        assert f"--require-hashes -r {needed}" in install
    assert ["ARG", "REQUIREMENTS=requirements-serve.txt"] in _dockerfile()


def test_the_containers_are_given_settings_and_no_secret() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    service = compose["services"]["skinapi"]
    assert service["environment"].keys() <= SETTINGS
    for name in ("JWT_SECRET_KEY", "METRICS_TOKEN", "OPENROUTER_API_KEY"):
        assert (service["environment"][name] or "${").startswith("${"), name
    assert "ports" not in service  # nginx alone is published


def test_the_container_that_trains_is_the_servers_with_a_folder_and_a_framework() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    server, worker = compose["services"]["skinapi"], compose["services"]["worker"]
    assert worker["environment"] == server["environment"]
    # The one folder of the image in which its user may write.
    assert server["environment"]["INSTANCE_DIR"] == "/data"
    assert (server["volumes"][0], worker["volumes"]) == ("server:/data", ["worker:/data"])
    assert {"server", "worker"} <= compose["volumes"].keys()
    stages = [rest.partition(" AS ")[2] for word, rest in _dockerfile() if word == "FROM"]
    assert worker["build"]["target"] in stages[:-1], "what is built without a target is the server"
    assert "ports" not in worker
    hardening = ("read_only", "cap_drop", "security_opt")
    assert [worker[name] for name in hardening] == [server[name] for name in hardening]


# --- what checks a change before and after it is sent ---


def _yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_a_commit_is_checked_as_make_lint_checks() -> None:
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert lint
    (repository,) = _yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        tool, *rest = shlex.split(hook["entry"])
        assert " ".join([f"$(VENV)/bin/{Path(tool).name}", *rest]) in lint[1], hook["id"]


def test_the_public_host_runs_what_must_pass() -> None:
    steps = _yaml(".github/workflows/ci.yml")["jobs"]["checks"]["steps"]
    installs, *checks = [step["run"] for step in steps if "run" in step]
    assert checks == [".ci/run"]
    # Else the tests of DICOM would skip there.
    for package in ("dcmtk", "dicom3tools", "orthanc", "orthanc-dicomweb"):
        assert package in installs.split()
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
