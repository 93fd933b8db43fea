import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skinapi.base.settings.settings import Settings
from skinapi.platform.jobs.process import job_environment, leave_namespaces, machine_environment

ROOT = Path(__file__).parents[3]
SECRETS = {"JWT_SECRET_KEY", "FORMER_JWT_SECRET_KEYS", "MONGO_URI"}  # a job opens the store


def names(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    settings = {name.upper() for name in Settings.model_fields}
    for name in (*settings, "AWS_SECRET_ACCESS_KEY", "TF_DETERMINISTIC_OPS"):
        monkeypatch.setenv(name, "1")
    return settings


def secret_settings() -> set[str]:
    fields = Settings.model_fields.items()
    return {name.upper() for name, field in fields if "SecretStr" in str(field.annotation)}


def test_a_job_gets_no_secret_but_those_that_it_opens_the_store_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = names(monkeypatch)
    given = job_environment()
    assert given.keys() & secret_settings() == SECRETS
    assert {"INSTANCE_DIR", "MODEL_PATH", "TF_DETERMINISTIC_OPS", "PATH"} <= given.keys()
    assert "AWS_SECRET_ACCESS_KEY" not in given
    assert not settings & machine_environment().keys()
    assert "AWS_SECRET_ACCESS_KEY" not in machine_environment()


def look(environment: dict[str, str]) -> dict[str, object]:
    command = [
        sys.executable,
        "-m",
        "skinapi.platform.jobs.process",
        "tests.platform.jobs.look_around",
    ]
    told = subprocess.run(
        [*command, str(10**9)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
    )
    seen: dict[str, object] = json.loads(told.stdout)
    return seen


def test_a_confined_program_has_bounded_memory_and_no_network() -> None:
    seen = look(dict(machine_environment()))
    assert seen["memory"] == 10**9
    child = os.fork()
    if child == 0:
        os._exit(0 if leave_namespaces() else 1)
    if os.waitpid(child, 0)[1]:
        pytest.skip("this system permits no namespaces")
    assert seen["networks"] == ["lo"]
    assert seen["others"] is False
