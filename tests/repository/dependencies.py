"""`make lint` checks the locked dependencies for known vulnerabilities. If the service cannot be
reached, or does not know the faults of a release that is known to be vulnerable, it says so and
passes. pip-audit alone would report "no known vulnerabilities".
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
LOCKED = ROOT / "requirements.txt"  # holds requirements-serve.txt too
FAMOUS = "jinja2==2.10"
PATIENCE_S = 300
Dependency = dict[str, Any]
Ask = Callable[[Path], list[Dependency] | None]


def ask_service(requirements: Path) -> list[Dependency] | None:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements)]
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        found: list[Dependency] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found


def audit(locked: Path, ask: Ask) -> tuple[bool, str]:
    with TemporaryDirectory() as folder:
        sample = Path(folder) / "requirements.txt"
        sample.write_text(FAMOUS + "\n")
        if not _vulnerable(ask(sample) or []):
            return True, "SKIPPED: no service that knows of vulnerabilities could be asked"
    found = ask(locked)
    if found is None:
        return True, "SKIPPED: the service of known vulnerabilities did not answer"
    if vulnerable := _vulnerable(found):
        return False, "VULNERABLE: " + ", ".join(vulnerable)
    unknown = [each["name"] for each in found if "skip_reason" in each]
    said = f"{len(found) - len(unknown)} dependencies have no known vulnerability"
    return True, said + (f"; SKIPPED, for they are unknown: {', '.join(unknown)}" * bool(unknown))


def _vulnerable(found: list[Dependency]) -> list[str]:
    return [
        f"{each['name']} {each['version']} ({', '.join(vuln['id'] for vuln in each['vulns'])})"
        for each in found
        if each.get("vulns")
    ]


if __name__ == "__main__":
    passed, says = audit(LOCKED, ask_service)
    sys.stdout.write(f"dependency audit: {says}\n")
    sys.exit(0 if passed else 1)
