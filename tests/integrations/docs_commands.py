import os
import subprocess
import sys
from pathlib import Path

from tests.repository.documents import Block, blocks
from tests.served.server import Server

SHELL, PYTHON = "bash integrate", "python integrate"
ADDRESS = "127.0.0.1:5000"


def block(kind: str) -> Block:
    (found,) = blocks(kind)
    return found


def typed(kind: str, address: str, token: str) -> str:
    done = subprocess.run(
        ["bash", "-euc", block(kind).text],
        env={**os.environ, "SKINAPI": address, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pages_with_commands() -> set[str]:
    return {block.page for block in blocks() if block.kind in (SHELL, PYTHON)}


def run_page(page: str, server: Server, folder: Path, **variables: str) -> str:
    """Run all blocks `bash integrate` and `python integrate` of this page in one shell, and return
    what they print. `variables` are the environment that the page requires; Python also sees what
    the shell has set. The server's address replaces http://127.0.0.1:5000.
    """
    parts = [
        block.text if block.kind == SHELL else f"python3 - <<'PYTHON'\n{block.text}PYTHON\n"
        for block in blocks()
        if block.page == page and block.kind in (SHELL, PYTHON)
    ]
    assert parts, page
    python = folder / "bin" / "python3"
    python.parent.mkdir(exist_ok=True)
    if not python.exists():
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
    script = "".join(parts).replace(ADDRESS, f"127.0.0.1:{server.port}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-o", "allexport", "-c", script],
        cwd=folder,
        env={
            "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
