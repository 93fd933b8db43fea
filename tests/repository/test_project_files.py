import json
import re

import yaml

from skinapi.base.settings.settings import VERSION
from tests.repository.documents import ROOT
from tests.repository.reference import COMMAND, TAGGED, write_tags

MODELS = ROOT / "skinapi" / "models"


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
    if sections[1].strip():
        number, dev, _ = VERSION.partition(".dev")
        assert (dev, number in released) == (".dev", False)
        assert number in sections[1]
    else:
        assert released[0] == VERSION


def test_the_recipes_run_the_image_of_this_version() -> None:
    assert [*TAGGED]
    for recipe in TAGGED:
        assert write_tags(recipe) == recipe.read_text(), f"run {COMMAND}"


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
    for install, needed in zip(
        installs, ("${REQUIREMENTS}", "requirements-train.txt"), strict=True
    ):
        assert f"--require-hashes -r {needed}" in install
    assert ["ARG", "REQUIREMENTS=requirements-serve.txt"] in _dockerfile()


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
