from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Literal

from pydantic import Field

from skinapi.accounts.auth.account import Account, Subject
from skinapi.accounts.auth.accounts import Accounts
from skinapi.base.pages import Page, PageRequest, read_all, read_pages
from skinapi.base.subject import Role
from skinapi.base.values import Value
from skinapi.findings.records.finding_records import FindingRecords
from skinapi.integrations.keys.api_keys import ApiKeys
from skinapi.platform.audit.trail import AuditTrail, TrailFilter
from skinapi.platform.storage.ports import Document

# Actions by which someone else sees data or gets access, by the field that names the person. What a
# doctor writes is not included.
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
# For actions that are not here, the detail of the row is used.
WHAT: Mapping[str, What] = {
    "photo.read": "photo",
    "record.read": "record",
    "thumbnail.read": "thumbnails",
    "photo.to_dataset": "dataset",
    "case.ask_opinion": "second_opinion",
    "breakglass.ask": "asked",
    "breakglass.choose": "chosen",
}


# Only the doctor reads an unsigned letter.
OF_DRAFTS = frozenset({"letter.draft", "letter.change", "letter.delete"})
# Values of the audit trail that are not accounts.
NO_ACCOUNTS = frozenset({"", "anonymous", "system", "store"})


class ReadingView(Value):
    id: str = Field(serialization_alias="_id")
    at: datetime
    what: What
    name: str | None = Field(
        description="who; null for the server itself, and for an account that is gone"
    )
    role: Role | None
    program: str | None = Field(description="the name of the key with which it was read, if any")
    finding: int | None = Field(description="its number; null where it is none, or deleted")
    break_glass: bool = Field(description="whether an admin read it in an emergency")
    refused: bool


class Act(Value):
    """`by` is `me`, the role of another person, `program`, `system`, or `deleted`. `about` is a
    finding, spot or letter.
    """

    at: datetime
    action: str
    by: str
    about: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadersService:
    trail: AuditTrail
    accounts: Accounts
    keys: ApiKeys
    records: FindingRecords

    def page_readings(self, *, account: str, paging: PageRequest) -> Page[ReadingView]:
        page = self.trail.page_about(account, READINGS, paging)
        rows = [row for row in page.items if row["by"] != account]
        people = self.accounts.by_ids({row["by"] for row in rows})
        about = sorted({row["target"] for row in rows if row.get("owner")})
        numbers = self.records.numbers_of(about) if about else {}
        names = self.keys.names_of({row["by_key"] for row in rows if row.get("by_key")})

        def read(row: Document) -> ReadingView:
            by_glass = row["action"].startswith("breakglass.") or row.get("detail") == "break-glass"
            who = people.get(row["by"])
            return ReadingView(
                id=row["id"],
                at=row["created_at"],
                what=WHAT.get(row["action"]) or row["detail"],
                name=who.name if who else None,
                role=who.role if who and not who.machine else None,
                program=names.get(row.get("by_key") or ""),
                finding=numbers.get(row["target"]),
                break_glass=by_glass,
                refused=row.get("outcome") != "done",
            )

        return Page(map(read, rows), page.next_after)

    def list_acts(self, account: Account) -> Iterator[Act]:
        """Yield what the account and others did to it, the newest first."""
        own = (account.id, *self.accounts.moved.list_into(account.id))
        pages = (read_pages(partial(self.trail.page, TrailFilter(account=one))) for one in own)
        for page in chain.from_iterable(pages):
            actors = self.accounts.by_ids({row["by"] for row in page.items} - NO_ACCOUNTS)
            for row in page.items:
                by = row["by"]
                if by in own:
                    who = "me"
                elif row["action"] in OF_DRAFTS:
                    continue
                elif row.get("by_key"):
                    who = "program"
                elif by in actors:
                    who = actors[by].role
                else:
                    who = "system" if by in NO_ACCOUNTS else "deleted"
                about = row["target"] if row.get("owner") in own else None
                yield Act(at=row["created_at"], action=row["action"], by=who, about=about)


def describe_acts(of: Subject, readers: ReadersService) -> Mapping[str, object]:
    readings = partial(readers.page_readings, account=of.id)
    return {
        "readers": [*read_all(lambda paging: readings(paging=paging))],
        "audit": [*readers.list_acts(of.account)],
    }
