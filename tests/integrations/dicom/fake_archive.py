import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread

from tests.support.local_server import LocalServer, serving_in_a_thread


class Mood(Enum):
    WORKS = auto()
    FORGETS = auto()  # answers 200 and stores nothing
    IS_DOWN = auto()
    IS_SLOW = auto()
    IS_FULL = auto()  # says so in the Failed SOP Sequence
    TAKES_NO_PHOTOS = auto()
    KNOWS_US_NOT = auto()
    HAS_NO_CODES = auto()  # the reason of a refusal is a digit, and none of ASCII
    TALKS_NONSENSE = auto()


class FakeArchive(LocalServer):
    """`kept` maps UIDs to the stored objects; `asked` has the paths of its requests."""

    def __init__(self) -> None:
        self.mood = Mood.WORKS
        self.kept: dict[str, Dataset] = {}
        self.asked: list[tuple[str, str]] = []
        self.authorizations: set[str | None] = set()
        super().__init__(0, _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/dicom-web"


class _Handler(BaseHTTPRequestHandler):
    server: FakeArchive
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self._fails():
            return
        study = self.path.split("/")[3]
        found = [item for item in self.server.kept.values() if item.StudyInstanceUID == study]
        answer = [{"00080018": {"vr": "UI", "Value": [record.SOPInstanceUID]}} for record in found]
        self._answer(200 if answer else 204, answer or None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._fails():
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
        for part in parts:
            sent = dcmread(BytesIO(bytes(part.get_payload(decode=True))))
            if reason := self._reason(sent):
                failed = {"00081155": _value("UI", sent.SOPInstanceUID)}
                failed["00081197"] = _value("US", reason)
                self._answer(409, {"00081198": _value("SQ", failed)})
                return
            if self.server.mood is not Mood.FORGETS:
                self.server.kept[sent.SOPInstanceUID] = sent
        self._answer(200, {})

    def _reason(self, sent: Dataset) -> int | str:
        if self.server.mood is Mood.HAS_NO_CODES:
            return "²"
        if self.server.mood is Mood.IS_FULL:
            return 0xA700
        return 0x0122 * (self.server.mood is Mood.TAKES_NO_PHOTOS and sent.Modality == "XC")

    def _fails(self) -> bool:
        mood = self.server.mood
        self.server.asked.append((self.command, self.path))
        self.server.authorizations.add(self.headers["Authorization"])
        if mood is Mood.IS_SLOW:
            self.server.closing.wait()
        if mood is Mood.TALKS_NONSENSE:
            self._answer(200, {"00080018": [7, {"Value": 5}]})
        statuses = {Mood.IS_DOWN: 503, Mood.KNOWS_US_NOT: 401}
        if status := statuses.get(mood):
            self._answer(status, {})
        return bool(status) or mood in (Mood.TALKS_NONSENSE, Mood.IS_SLOW)

    def _answer(self, status: int, said: Any) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _value(kind: str, value: Any) -> dict[str, Any]:
    return {"vr": kind, "Value": [value]}


@contextmanager
def fake_archive() -> Iterator[FakeArchive]:
    with serving_in_a_thread(FakeArchive()) as archive:
        yield archive
