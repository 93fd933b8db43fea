"""The submissions: each a finding with what was known about its photo, numbered by the system."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from skinapi.errors import Duplicate, StoreUnavailable
from skinapi.storage.ids import now
from skinapi.storage.ports import Store
from skinapi.vision.conditions import Band, Language
from skinapi.vision.context import Context
from skinapi.vision.finding import Finding
from skinapi.web.pagination import Page, page_of

COUNTER = "submissions"
ATTEMPTS = 100


class Submission(BaseModel):
    """A frozen copy of one submission. `sections` are the words as they were answered, and
    `narrative_source` says who wrote them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    created_at: datetime
    number: int
    owner: str
    band: Band
    finding: Finding
    context: Context
    language: Language
    sections: dict[str, str]
    narrative_source: dict[str, str | None] = {"writer": "template"}
    photo_blob: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


class Submissions:
    def __init__(self, store: Store) -> None:
        self._counters = store.collection("counters")
        self._documents = store.collection("submissions")
        self._documents.ensure_index("number", unique=True)
        self._documents.ensure_index("owner", "created_at")
        self._documents.ensure_index("band", "created_at")
        self._documents.ensure_index("owner", "idempotency_key", unique=True)

    def add(self, *, identifier: str, finding: Finding, **fields: Any) -> Submission:
        """Under the next number. Raises Duplicate where the owner used this key before."""
        for _ in range(ATTEMPTS):
            submission = Submission(
                id=identifier,
                created_at=now(),
                number=self._next_number(),
                band=finding.band,
                finding=finding,
                **fields,
            )
            try:
                self._documents.insert({**_document(submission), "schema": 1})
            except Duplicate:
                if self.by_key(submission.owner, submission.idempotency_key):
                    raise
                self._catch_up()
            else:
                return submission
        raise StoreUnavailable

    def _next_number(self) -> int:
        """Taken in one step, so that no two submissions share one; one may stay unused."""
        while True:
            counter = self._counters.update({"id": COUNTER}, {"$inc": {"value": 1}})
            if counter is not None:
                return int(counter["value"])
            with suppress(Duplicate):
                self._counters.insert({"id": COUNTER, "schema": 1, "created_at": now(), "value": 0})

    def _catch_up(self) -> None:
        """The counter may lag behind the submissions where a backup was put back in parts."""
        for last in self._documents.find(sort="-number", limit=1):
            behind = {"id": COUNTER, "value": {"$lt": last["number"]}}
            self._counters.update(behind, {"$set": {"value": last["number"]}})

    def has(self, identifier: str) -> bool:
        return self._documents.get(identifier) is not None

    def by_number(self, number: int) -> Submission | None:
        found = self._documents.find({"number": number}, limit=1)
        return Submission.model_validate(found[0]) if found else None

    def by_key(self, owner: str, key: str | None) -> Submission | None:
        if key is None:
            return None
        found = self._documents.find({"owner": owner, "idempotency_key": key}, limit=1)
        return Submission.model_validate(found[0]) if found else None

    def page(self, owner: str, *, after: str | None, limit: int) -> Page[Submission]:
        """In the order they were made."""
        found = self._documents.find({"owner": owner}, after=after, limit=limit + 1)
        return page_of(found, limit).map(Submission.model_validate)

    def count(self, owner: str) -> int:
        return self._documents.count({"owner": owner})

    def owners(self) -> set[str]:
        return set(self._documents.count_by("owner"))

    def remove(self, submission: Submission) -> bool:
        """Whether it was still there."""
        return self._documents.delete({"id": submission.id}) > 0


def _document(submission: Submission) -> dict[str, Any]:
    plain = submission.model_dump(mode="json", exclude={"created_at"})
    return {**plain, "created_at": submission.created_at}
