"""What the list of sessions calls a client."""

import json
import shutil
import subprocess

import pytest

from skinapi.console.routes import STATIC

SCRIPT = """
const { nameOfClient } = await import(process.argv[1]);
process.stdout.write(JSON.stringify(JSON.parse(process.argv[2]).map(nameOfClient)));
"""
NAMES = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox · Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0": "Edge · Windows",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.0 Mobile/15E148 Safari/604.1": "Safari · iPhone",
    "Mozilla/5.0 (unknown)": "Mozilla/5.0 (unknown)",
    "python-requests/2.32": "python-requests/2.32",
}


def test_a_browser_is_called_by_its_name() -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip("no node to ask")
    asked = [str(STATIC / "browser.js"), json.dumps(list(NAMES))]
    done = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, *asked],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == list(NAMES.values())
