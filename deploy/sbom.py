"""Writes a software bill of materials: what a locked requirements file installs, as CycloneDX JSON.

`python deploy/sbom.py requirements-serve.txt` writes to standard output. The same file gives the
same bytes. It needs no library, so that the image can be built with it. The format:
https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

PINNED = re.compile(
    r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(?:;\s*([^\\\n]+?))?\s*\\?$", re.MULTILINE
)


def bill_of_materials(requirements: str) -> dict[str, Any]:
    """The bill of what these locked requirements pin."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "skinapi"}},
        "components": [_component(*found) for found in PINNED.findall(requirements)],
    }


def _component(name: str, version: str, marker: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name.lower()}@{version}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    }
    if marker:  # installed only where this holds
        component["properties"] = [{"name": "python:marker", "value": marker}]
    return component


if __name__ == "__main__":
    bill = bill_of_materials(Path(sys.argv[1]).read_text())
    sys.stdout.write(json.dumps(bill, indent=2) + "\n")
