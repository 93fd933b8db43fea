"""Runs `oidc-provider-mock`, a provider written by others, in a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

import pytest

from tests.stores.mongod import DIE_WITH_PARENT, free_port

READY_S = 60


@contextmanager
def mock_provider(*people: dict[str, Any]) -> Iterator[str]:
    if find_spec("oidc_provider_mock") is None:
        pytest.skip("oidc-provider-mock is not installed")
    port = free_port()
    known = [part for person in people for part in ("--user-claims", json.dumps(person))]
    python = [sys.executable, "-c", DIE_WITH_PARENT, sys.executable, "-W", "ignore"]
    process = subprocess.Popen(
        [*python, "-m", "oidc_provider_mock", "-p", str(port), *known],
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        with suppress(OSError), closing(connection):
            connection.request("GET", "/.well-known/openid-configuration")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise TimeoutError("oidc-provider-mock does not answer")
