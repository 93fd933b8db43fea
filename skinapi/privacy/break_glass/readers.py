"""Who looked at a person's data, as the audit trail says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from skinapi.accounts.auth.accounts import Account, Accounts
from skinapi.base.pages import Page
from skinapi.findings.records.spots import Spots
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.ports import Document

# What of the trail tells that somebody else has seen something, or may from then on; by the field
# of a row that names whose it is. What a doctor writes is not here: it may be held back.
READINGS: Mapping[str, Sequence[str]] = {
    "owner": (
        "photo.read",
        "breakglass.ask",
        "breakglass.choose",
        "breakglass.read",
        "case.ask_opinion",
    ),
    "target": ("record.read", "thumbnail.read", "photo.to_dataset"),
}
What = Literal[
    "photo",
    "record",
    "thumbnails",
    "dataset",
    "second_opinion",
    "asked",
    "chosen",
    "finding",
    "report",
    "reviews",
    "letters",
]
# Of what is not here, the detail of the row says it.
WHAT: Mapping[str, What] = {
    "photo.read": "photo",
    "record.read": "record",
    "thumbnail.read": "thumbnails",
    "photo.to_dataset": "dataset",
    "case.ask_opinion": "second_opinion",
    "breakglass.ask": "asked",
    "breakglass.choose": "chosen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`who` is None for an account that is gone, and for the server itself. `program` is the name
    of the key with which it was read. `finding` is the number of the finding, while it is there.
    """

    id: str
    at: datetime
    what: What
    who: Account | None
    program: str | None
    finding: int | None
    break_glass: bool
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadersService:
    trail: AuditTrail
    accounts: Accounts
    keys: ApiKeys
    spots: Spots

    def page_readings(self, *, account: str, after: str | None, limit: int) -> Page[Reading]:
        """Who has looked at the data of this account, the newest first."""
        page = self.trail.page_about(account, READINGS, after=after, limit=limit)
        rows = [row for row in page.items if row["by"] != account]
        people = self.accounts.by_ids({row["by"] for row in rows})
        about = sorted({row["target"] for row in rows if row.get("owner")})
        numbers = self.spots.numbers_of(about) if about else {}
        names = {
            key.id: key.name
            for key in map(self.keys.find, {row["by_key"] for row in rows if row.get("by_key")})
            if key
        }

        def read(row: Document) -> Reading:
            by_glass = row["action"].startswith("breakglass.") or row.get("detail") == "break-glass"
            return Reading(
                id=row["id"],
                at=row["created_at"],
                what=WHAT.get(row["action"]) or row["detail"],
                who=people.get(row["by"]),
                program=names.get(row.get("by_key") or ""),
                finding=numbers.get(row["target"]),
                break_glass=by_glass,
                refused=row.get("outcome") != "done",
            )

        return Page(map(read, rows), page.next_after)
