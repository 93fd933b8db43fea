"""The clinic's picture archive, as this server sends to it (STOW-RS) and asks it (QIDO-RS)."""

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

from skinapi.base.http_client import CallFailed, HttpClient, Reply, Request
from skinapi.platform.notices.deliveries import NotDelivered, Refused

CALL_S = 30.0
LARGEST_ANSWER = 1024 * 1024
JSON, OBJECT = "application/dicom+json", "application/dicom"
SOP_INSTANCE, FAILURE_REASON = "00080018", "00081197"
FAILED, FAILED_INSTANCE = "00081198", "00081155"
# Of these an archive can think better: https://dicom.nema.org/medical/dicom/current/output/html/
# part18.html#sect_I.2.2, "out of resources" and "failure in processing".
LATER = (*range(0xA700, 0xA800), 0x0110)
MOST_REFUSED = 100
CODE = re.compile("[0-9]{1,5}")  # of 16 bits


class ArchiveClient:
    """Each call ends by a deadline. What fails is NotDelivered, what never helps again Refused."""

    def __init__(self, url: str, *, authorization: str | None, authorities: Path | None) -> None:
        self._client = HttpClient(
            url, most_at_once=2, largest_answer=LARGEST_ANSWER, authorities=authorities
        )
        self._headers = {"Authorization": authorization} if authorization else {}

    def list_instances(self, study: str) -> set[str]:
        """The UIDs of the objects of a study that the archive has."""
        path = f"/studies/{study}/instances"
        reply = self._call("GET", path, {"Accept": JSON})
        if reply.status in (204, 404):  # how archives say that there is none
            return set()
        _require(reply, 200)
        found = _read(reply)
        if not isinstance(found, list):
            raise NotDelivered("unreadable", answer=reply.status)
        return {value for one in found for value in _values(one, SOP_INSTANCE)}

    def store(self, file: bytes) -> int:
        """Send one object; the status of the answer. That the archive has it, this does not say."""
        boundary = token_hex(16)
        head = f"--{boundary}\r\nContent-Type: {OBJECT}\r\n\r\n"
        body = b"".join((head.encode(), file, f"\r\n--{boundary}--\r\n".encode()))
        kind = f'multipart/related; type="{OBJECT}"; boundary={boundary}'
        reply = self._call("POST", "/studies", {"Accept": JSON, "Content-Type": kind}, body)
        if reply.status in (200, 202, 409):
            _refuse_failed(reply)
        _require(reply, 200, 202)
        return reply.status

    def _call(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> Reply:
        request = Request(method, path, {**self._headers, **headers}, body)
        try:
            return self._client.send(request, deadline=time.monotonic() + CALL_S)
        except CallFailed as failed:
            raise NotDelivered(failed.fault) from failed


def authorization_of(token: str | None, user: str | None, password: str | None) -> str | None:
    """The header by which the archive knows this server."""
    if token:
        return f"Bearer {token}"
    if user:
        credentials = f"{user}:{password or ''}".encode()
        return f"Basic {base64.b64encode(credentials).decode()}"
    return None


def _require(reply: Reply, *wanted: int) -> None:
    if reply.status not in wanted:
        known = reply.status in (401, 403)
        raise NotDelivered("credentials" if known else "status", answer=reply.status)


def _refuse_failed(reply: Reply) -> None:
    """Raises where the answer says that an object was not taken (Failed SOP Sequence). Many
    archives answer 200 without a body.
    """
    said = _read(reply) if reply.content.strip() else {}
    for one in _items(said, FAILED):
        said_codes = _values(one, FAILURE_REASON)
        reason = next((int(code) for code in said_codes if CODE.fullmatch(code)), 0)
        fault = f"failed_{reason:04X}"
        raise (NotDelivered if reason in LATER else Refused)(fault, answer=reply.status)


def _read(reply: Reply) -> Any:
    try:
        return json.loads(reply.content)
    except (ValueError, RecursionError) as error:
        raise NotDelivered("unreadable", answer=reply.status) from error


def _items(said: Any, tag: str) -> Iterator[Any]:
    """The values of an element of DICOM JSON, whatever a foreign server makes of that."""
    for each in said if isinstance(said, list) else [said]:
        element = each.get(tag) if isinstance(each, dict) else None
        values = element.get("Value") if isinstance(element, dict) else None
        yield from values[:MOST_REFUSED] if isinstance(values, list) else ()


def _values(said: Any, tag: str) -> list[str]:
    return [str(value) for value in _items(said, tag)]
