"""Sends findings to the clinic's picture archive (STOW-RS). After each object it asks if the object
exists (QIDO-RS), because an archive may return 200 and store nothing.
"""

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.errors import NotFound
from skinapi.base.http_client import CallFailed, HttpClient, HttpReply, Request
from skinapi.base.subject import KeyUse
from skinapi.integrations.dicom.settings import ArchiveSettings
from skinapi.integrations.dicom.studies import StudiesService
from skinapi.integrations.dicom.study import Study, study_uid
from skinapi.platform.notices.deliveries import Deliveries, Delivery, NotDelivered, Refused
from skinapi.platform.storage.unit_of_work import Unit, UnitOfWork, atomic

# The kind of delivery, and the id of its endpoint.
ARCHIVE = "archive"
# It reads as a clinic-wide key does; the audit trail says that it was the archive.
READER = Subject(
    ARCHIVE,
    "doctor",
    ARCHIVE,
    Accounts.draft(id=ARCHIVE, email="", name=ARCHIVE, role="doctor", password_hash=""),
    key=KeyUse(ARCHIVE, scopes=("dicom",), clinic_wide=True),
)
NO_DELIVERY = "There is no such delivery to the archive"
CALL_S = 30.0
LARGEST_ANSWER = 1024 * 1024
JSON, OBJECT = "application/dicom+json", "application/dicom"
SOP_INSTANCE, FAILURE_REASON = "00080018", "00081197"
FAILED = "00081198"
# Of these an archive can think better: https://dicom.nema.org/medical/dicom/current/output/html/
# part18.html#sect_I.2.2, "out of resources" and "failure in processing".
LATER = (*range(0xA700, 0xA800), 0x0110)
MOST_REFUSED = 100
CODE = re.compile("[0-9]{1,5}")  # of 16 bits


class ArchiveClient:
    """Each call has a deadline. Failures raise NotDelivered, permanent ones Refused."""

    def __init__(self, url: str, *, authorization: str | None, authorities: Path | None) -> None:
        self._client = HttpClient(
            url, most_at_once=2, largest_answer=LARGEST_ANSWER, authorities=authorities
        )
        self._headers = {"Authorization": authorization} if authorization else {}

    def list_instances(self, study: str) -> set[str]:
        path = f"/studies/{study}/instances"
        reply = self._call("GET", path, {"Accept": JSON})
        if reply.status in (204, 404):  # the archive has none
            return set()
        _require(reply, 200)
        instances = _read(reply)
        if not isinstance(instances, list):
            raise NotDelivered("unreadable", answer=reply.status)
        return {str(value) for value in _values(instances, SOP_INSTANCE)}

    def store(self, file: bytes) -> int:
        """Send one object and return the status. Success does not prove that the archive has stored
        it.
        """
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
    ) -> HttpReply:
        request = Request(method, path, {**self._headers, **headers}, body)
        try:
            return self._client.send(request, deadline=time.monotonic() + CALL_S)
        except CallFailed as failed:
            raise NotDelivered(failed.fault) from failed


def authorization_of(token: str | None, user: str | None, password: str | None) -> str | None:
    if token:
        return f"Bearer {token}"
    if user:
        credentials = f"{user}:{password or ''}".encode()
        return f"Basic {base64.b64encode(credentials).decode()}"
    return None


def _require(reply: HttpReply, *wanted: int) -> None:
    if reply.status not in wanted:
        known = reply.status in (401, 403)
        raise NotDelivered("credentials" if known else "status", answer=reply.status)


def _refuse_failed(reply: HttpReply) -> None:
    """Raise if the answer has a Failed SOP Sequence. Many archives return 200 without a body."""
    answer = _read(reply) if reply.content.strip() else {}
    for failed in _values(answer, FAILED):
        codes = map(str, _values(failed, FAILURE_REASON))
        reason = next((int(code) for code in codes if CODE.fullmatch(code)), 0)
        fault = f"failed_{reason:04X}"
        raise (NotDelivered if reason in LATER else Refused)(fault, answer=reply.status)


def _read(reply: HttpReply) -> Any:
    try:
        return json.loads(reply.content)
    except (ValueError, RecursionError) as error:
        raise NotDelivered("unreadable", answer=reply.status) from error


def _values(answer: Any, tag: str) -> Iterator[Any]:
    for item in answer if isinstance(answer, list) else [answer]:
        element = item.get(tag) if isinstance(item, dict) else None
        values = element.get("Value") if isinstance(element, dict) else None
        yield from values[:MOST_REFUSED] if isinstance(values, list) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveService:
    work: UnitOfWork
    deliveries: Deliveries
    studies: StudiesService
    client: ArchiveClient | None
    settings: ArchiveSettings

    def send(self, delivery: Delivery) -> int | None:
        if self.client is None:
            raise Refused("not_set")
        try:
            study = self.studies.open(str(delivery.about["finding"]), to=READER)
            return self._send_missing(self.client, study)
        except NotFound:  # deleted or entered in error meanwhile
            return None

    def _send_missing(self, client: ArchiveClient, study: Study) -> int | None:
        uid = study_uid(study.finding.id)
        study = replace(study, there=client.list_instances(uid))
        missing = [known for known in study.objects if known.uid not in study.there]
        if study.photos_withdrawn:
            missing = [known for known in missing if not known.kind.is_picture]
        if any(known.kind.is_picture for known in missing):
            self.studies.findings.photos.note_read(finding=study.finding, by=READER)
        maker, sent = self.studies.maker(), set[str]()
        answer: int | None = None
        refused: Refused | None = None
        for known in missing:
            file = maker.make_file(study, known)
            if file is None:  # the file of its photo is lost
                continue
            try:
                answer = client.store(file)
            except Refused as error:  # continue with the others
                refused = error
            else:
                sent.add(known.uid)
        if refused:
            raise refused
        if sent - client.list_instances(uid):
            raise NotDelivered("not_stored", answer=answer)
        return answer

    @atomic
    def send_again(self, unit: Unit, *, delivery: str, by: Subject) -> None:
        unit.audit("archive.send_again", by=by.id, target=delivery)
        if not self.deliveries.send_again(delivery, to=ARCHIVE):
            raise NotFound(NO_DELIVERY)
