from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from bench.bulk_insert import fill, fill_alike
from bench.growth_common import (
    DOCTOR,
    GREY,
    OTHER,
    OWNER,
    PAGE,
    Calls,
    document_of,
    fill_people,
    id_at,
    owned_by_few,
)
from skinapi.accounts.auth.sessions import Session
from skinapi.app.composition.services import Services
from skinapi.base.pages import PageRequest
from skinapi.care.queue import CareService
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.reviews import Opinion, Review
from skinapi.findings.status.spot import Level, LevelSource
from skinapi.model.conditions import Band
from skinapi.model.context import Context
from skinapi.platform.audit.trail import TrailFilter
from skinapi.platform.storage.ids import new_id, now
from skinapi.platform.storage.ports import Document, Store
from skinapi.platform.storage.unit_of_work import AuditRow
from tests.support.findings import told_finding

# --- sessions ---


def fill_sessions(store: Store, records: int) -> None:
    session = Session(
        id="made",
        created_at=now(),
        account=OTHER,
        token_version=1,
        used_at=now(),
        ends_at=now() + timedelta(days=1),
        expires_at=now() + timedelta(days=1),
    )
    fill_alike(store, "sessions", document_of(session), owned_by_few("account", records))
    fill_people(store)


def session_calls(services: Services, _: int) -> Calls:
    sessions, account = services.auth, services.data.accounts.get(OWNER)
    return {
        "sessions": lambda: sessions.sessions.page(account, PageRequest(PAGE)),
    }


# --- findings: all of one owner, in the care of one doctor, a half reviewed ---


def fill_findings(store: Store, records: int) -> None:
    judged, created_at = told_finding(), now()
    finding = StoredFinding(
        id=OWNER,
        changed=OWNER,
        created_at=created_at,
        number=0,
        lesion=OWNER,
        owner=OWNER,
        level=Level(urgency=judged.band, source=LevelSource.MODEL, set_at=created_at),
        queued_at=created_at,
        finding=judged,
        context=Context(),
        language="en",
        sections=dict.fromkeys(("overview", "recommendation"), "As it was answered. " * 20),
    )

    def each() -> Iterator[Document]:
        for number in range(1, records + 1):
            queued_at = None if number % 2 == 0 else finding.created_at
            identifier = new_id()
            yield {"id": identifier, "lesion": identifier, "number": number, "queued_at": queued_at}

    fill_alike(store, "submissions", document_of(finding), each())
    fill(store, "counters", [{"id": "submissions", "schema": 1, "value": records}])
    fill_people(store)


def finding_calls(services: Services, records: int) -> Calls:
    middle = id_at(services.store, "submissions", {"number": records // 2})
    care: CareService = services.care
    asked: dict[str, Any] = {"doctor": GREY, "reviewed": None, "paging": PageRequest(PAGE)}

    def own(after: str | None) -> None:
        services.findings.records.page_owned(OWNER, PageRequest(PAGE, after))

    return {
        "findings, first page": lambda: own(None),
        "findings, from the middle": lambda: own(middle),
        "queue": lambda: care.list_queue(**asked),
        "queue of the reviewed": lambda: care.list_queue(**{**asked, "reviewed": True}),
        "findings of a patient": lambda: care.list_findings(patient=OWNER, **asked),
    }


# --- reviews: forty of one finding ---


def fill_reviews(store: Store, records: int) -> None:
    review = Review(
        id="made",
        created_at=now(),
        submission=OTHER,
        doctor=DOCTOR,
        lesion=OWNER,
        signature="Meredith Grey",
        opinion=Opinion(urgency=Band.SELF_MONITORING),
    )
    fill_findings(store, 1)
    finding = id_at(store, "submissions", {"number": 1})
    fill_alike(store, "reviews", document_of(review), owned_by_few("submission", records, finding))


def review_calls(services: Services, _: int) -> Calls:
    reviews = services.reviews
    return {
        "reviews": lambda: reviews.list_reviews(number="1", to=GREY, paging=PageRequest(PAGE)),
    }


# --- the audit trail: a tenth by the owner, half of that reports ---


def fill_trail(store: Store, records: int) -> None:
    """The rows do not form a hash chain."""
    alike: Document = {
        "id": "made",
        "schema": 1,
        "created_at": now() - timedelta(days=1),
        "phase": "outcome",
        "outcome": "done",
        "target": OTHER,
        "previous": "0" * 64,
        "hash": "0" * 64,
        "key": "0" * 16,
        "request_id": "0" * 32,
    }
    each = (
        {
            "id": new_id(),
            "sequence": number,
            "action": "report.issue" if number % 20 == 0 else "submission.create",
            "by": OWNER if number % 10 == 0 else OTHER,
        }
        for number in range(1, records + 1)
    )
    fill_alike(store, "audit", alike, each)


def trail_calls(services: Services, records: int) -> Calls:
    def rows(after: str | None = None, **asked: Any) -> None:
        services.admin.read_trail(TrailFilter(**asked), PageRequest(PAGE, after))

    middle = id_at(services.store, "audit", {"sequence": records // 2})
    return {
        "audit, first page": rows,
        "audit, from the middle": lambda: rows(after=middle),
        "audit of an account": lambda: rows(account=OWNER),
        "audit of an action": lambda: rows(actions=["report.issue"]),
        "audit of both": lambda: rows(account=OWNER, actions=["report.issue"]),
        "audit, append a row": lambda: services.data.trail.record(
            AuditRow("test.note", by=OWNER, target=OWNER)
        ),
    }
