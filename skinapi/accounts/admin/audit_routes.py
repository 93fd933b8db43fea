import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from flask import Response, request
from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from skinapi.accounts.admin.service import AdminService
from skinapi.accounts.auth.account import Account
from skinapi.base.field_types import Identifier
from skinapi.base.pages import Page, PageRequest
from skinapi.platform.audit.trail import ACCOUNT_FIELDS, CursorLost, TrailFilter, cursor_of
from skinapi.platform.storage.ports import Document
from skinapi.platform.web.declaration import Routes, admins
from skinapi.platform.web.schemas import Answer, Query, link_to_next

NDJSON = "application/x-ndjson"  # https://github.com/ndjson/ndjson-spec
FILTERS = ("account", "key", "since", "until")
ACTION = r"[a-z]+\.[a-z_]+"
# The newest rows are read for each action, so their number is limited. The console's largest group
# has 43.
MOST_ACTIONS = 100
MOST_FOLLOWED = 10_000
MOST_EXPORTED = 10_000
COLUMNS = (
    "created_at",
    "action",
    "by_email",
    "by",
    "target_email",
    "target",
    "outcome",
    "detail",
    "request_id",
    "sequence",
    "signed",
    "hash",
    "by_name",
    "target_name",
    "owner_email",
    "owner_name",
    "owner",
    "finding",
    "by_key",
)
# A spreadsheet runs a cell that begins like this as a formula.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
audit_routes: Routes[AdminService] = Routes(
    access=admins("Only admin can read the audit", scopes=("audit:read",))
)
# A time that is converted to a range of ids.
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 2, tzinfo=UTC), le=datetime(2999, 1, 1, tzinfo=UTC))
]


class AuditFilters(Query):
    after: Identifier | None = None
    action: (
        Annotated[str, StringConstraints(pattern=rf"^{ACTION}(,{ACTION}){{0,{MOST_ACTIONS - 1}}}$")]
        | None
    ) = Field(default=None, description="one, or several with a comma between")
    account: Identifier | None = Field(
        default=None,
        description="who did it or had it done, or whose finding, spot or letter it was",
    )
    key: Identifier | None = Field(
        default=None,
        description="of the program that did it; without `action` and `account`",
    )
    since: Moment | None = Field(default=None, description="written then or later")
    until: Moment | None = Field(default=None, description="written before then")

    @model_validator(mode="after")
    def _ask_for_a_key_alone(self) -> Self:
        if self.key and (self.action or self.account):
            raise ValueError("ask for a key without an action and without an account")
        return self

    @property
    def wanted(self) -> TrailFilter:
        actions = self.action.split(",") if self.action else ()
        return TrailFilter(actions=actions, **self.model_dump(include={*FILTERS}))


class AuditQuery(AuditFilters):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class AuditFollowing(Query):
    after: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="of a program that collects: the `cursor` of the row before"
    )
    limit: Annotated[int, Field(ge=1, le=MOST_FOLLOWED)] = MOST_FOLLOWED


class AuditLine(Answer):
    cursor: str
    sequence: int
    id: str
    created_at: datetime
    action: str
    outcome: str | None = None
    by: str
    by_key: str | None = None
    target: str
    owner: str | None = None
    detail: str | None = None
    request_id: str | None = None
    previous: str | None = None
    hash: str | None = None
    signed: bool

    @classmethod
    def from_row(cls, row: Document) -> Self:
        known = {name: row[name] for name in cls.model_fields if name in row}
        return cls(**known, cursor=cursor_of(row))


class AuditRow(Answer):
    id: str = Field(serialization_alias="_id")
    sequence: int | None = Field(
        default=None, description="its place in the chain, which a new row gets within seconds"
    )
    created_at: datetime
    action: str
    phase: Literal["intent", "outcome"] = Field(
        description="`intent` only in rows of earlier versions"
    )
    outcome: str | None = None
    intent: str | None = Field(default=None, description="the row this one completes")
    by: str
    by_email: str | None = Field(description="null once the account is gone")
    target: str
    by_name: str | None = Field(description="as `by_email`")
    target_email: str | None
    target_name: str | None
    owner: str | None = Field(
        default=None,
        description="the account whose finding, spot or letter the target is, or the patient whom "
        "the row is about; null in rows of earlier versions",
    )
    finding: int | None = Field(
        default=None, description="the number of the finding that the target is, while it is there"
    )
    owner_email: str | None
    owner_name: str | None
    detail: str | None = Field(
        default=None,
        description="on what grounds: the gates of a model that was promoted",
    )
    by_key: str | None = Field(
        default=None, description="the id of the key with which a program did it"
    )
    request_id: str | None = None
    hash: str | None = Field(default=None, description="of a row that has its place in the chain")
    signed: bool = Field(
        description="whether this server's signature of the row is right; false for a row of a "
        "version that did not sign, and for one that somebody else wrote or changed"
    )

    @classmethod
    def from_row(cls, row: Document, accounts: Mapping[str, Account]) -> Self:
        who: dict[str, str | None] = {}
        for role in ACCOUNT_FIELDS:
            account = accounts.get(row.get(role) or "")
            who[f"{role}_email"] = account.email if account else None
            who[f"{role}_name"] = account.name if account else None
        return cls.model_validate({**row, **who})


@audit_routes.route("GET", "/audit")
def read_audit(admin: AdminService, *, query: AuditQuery) -> Page[AuditRow]:
    """Read the audit trail, newest row first."""
    return _rows_of(admin, query, query.limit)


@audit_routes.route(
    "GET",
    "/audit",
    produces=NDJSON,
    when=lambda request: request.accept_mimetypes.best == NDJSON,
    raises=(CursorLost,),
)
def follow_audit(admin: AdminService, *, query: AuditFollowing) -> Response:
    """The audit trail for a program that collects it: a row a line, in the order of the chain.

    Ask with `Accept: application/x-ndjson`. Keep the `cursor` of the last row that you have stored,
    and go on with it as `after`: no row is skipped, and none comes twice. An answer without a line
    says that there is no newer row. One that breaks off is continued in the same way.
    """
    rows = admin.follow_trail(after=query.after, limit=query.limit)
    lines = (f"{AuditLine.from_row(row).model_dump_json(exclude_none=True)}\n" for row in rows)
    return Response(lines, mimetype=NDJSON)


@audit_routes.route("GET", "/audit/export", produces="text/csv")
def export_audit(admin: AdminService, *, query: AuditFilters) -> Response:
    """The audit trail as a file, newest row first: at most 10,000 rows. Where there are more, the
    `Link` header names the file of the rows before them.
    """
    page = _rows_of(admin, query, MOST_EXPORTED)
    headers = {
        **link_to_next(page, request),
        "Content-Disposition": 'attachment; filename="audit.csv"',
    }
    return Response(write_csv(page.items), headers=headers, mimetype="text/csv")


def _rows_of(admin: AdminService, query: AuditFilters, limit: int) -> Page[AuditRow]:
    page = admin.read_trail(query.wanted, PageRequest(limit, query.after))
    named = {row.get(who) for row in page.items for who in ACCOUNT_FIELDS}
    accounts = admin.accounts_of({item for item in named if item})
    return page.map(lambda row: AuditRow.from_row(row, accounts))


def write_csv(rows: Sequence[AuditRow]) -> bytes:
    """Excel reads UTF-8 only with a byte order mark."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        fields = row.model_dump(mode="json")
        writer.writerow([escape_formula(fields[column]) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def escape_formula(value: object) -> str:
    """A spreadsheet shows a cell that begins with an apostrophe as text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text
