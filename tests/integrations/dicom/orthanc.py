"""A picture archive (PACS) for a test: Orthanc with its DICOMweb plug-in, from Debian's `orthanc`
and `orthanc-dicomweb`, on free ports.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.served.wire import Answer
from tests.stores.mongod import DIE_WITH_PARENT, free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
START_S = 90
ATTEMPTS = 5


@dataclass
class Orthanc:
    """`address` is that of its REST API, `dicomweb` that of its DICOMweb API. DICOM itself is
    spoken on `dicom_port`.
    """

    port: int
    dicom_port: int
    log: Path
    version: str = ""

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dicomweb(self) -> str:
        return f"{self.address}/dicom-web"

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if json is not None:
            body = dump(json)
            sent.setdefault("Content-Type", "application/json")
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            line.request(method, path, body, sent)
            answer = line.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def store(self, instance: bytes) -> str:
        answer = self.call("POST", "/instances", instance)
        assert answer.status == 200, answer.data
        made: str = answer.json["ID"]
        return made

    def instances(self) -> list[str]:
        """Return Orthanc's own ids of all objects; `/instances/<id>/file` is the file."""
        kept: list[str] = self.call("GET", "/instances").json
        return kept

    def add_server(self, name: str, url: str, token: str) -> None:
        server = {"Url": url, "HttpHeaders": {"Authorization": f"Bearer {token}"}}
        answer = self.call("PUT", f"/dicom-web/servers/{name}", json=server)
        assert answer.status == 200, answer.data

    def send(self, name: str, *resources: str) -> Answer:
        body = {"Resources": list(resources), "Synchronous": True}
        return self.call("POST", f"/dicom-web/servers/{name}/stow", json=body)


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


@contextmanager
def running_orthanc(**configuration: Any) -> Iterator[Orthanc]:
    """Skips the test if Orthanc is not installed. `configuration` is added to its own."""
    binary = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if binary is None or not PLUGIN.exists():
        pytest.skip("no Orthanc with its DICOMweb plug-in (Debian: orthanc, orthanc-dicomweb)")
    with TemporaryDirectory(prefix="orthanc-", ignore_cleanup_errors=True) as folder:
        archive, process = _start(binary, Path(folder), configuration)
        try:
            yield archive
        finally:
            process.kill()
            process.wait()


def _start(
    binary: str, folder: Path, configuration: Mapping[str, Any]
) -> tuple[Orthanc, subprocess.Popen[bytes]]:
    for _ in range(ATTEMPTS):
        archive = Orthanc(free_port(), free_port(), folder / "log")
        file = folder / "orthanc.json"
        file.write_bytes(dump({**_configuration(folder, archive), **configuration}))
        command = [sys.executable, "-c", DIE_WITH_PARENT, binary, str(file)]
        with archive.log.open("wb") as written:
            process = subprocess.Popen(
                command, stdout=written, stderr=written, start_new_session=True
            )
        try:
            _await_start(archive, process)
        except AssertionError:
            process.kill()
            process.wait()
            if "already in use" not in archive.said():
                raise
        else:
            return archive, process
    raise AssertionError(archive.said())


def _configuration(folder: Path, archive: Orthanc) -> dict[str, Any]:
    return {
        "Name": "test archive",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": archive.port,
        "DicomPort": archive.dicom_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StowMaxInstances": 10},
    }


def _await_start(archive: Orthanc, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, archive.said()
        with suppress(OSError, HTTPException):
            answer = archive.call("GET", "/system")
            if answer.status == 200:
                archive.version = answer.json["Version"]
                return
        time.sleep(0.05)
    raise AssertionError(f"Orthanc is not ready: {archive.said()}")
