"""Rows of the audit trail as a file: CSV for a spreadsheet, JSON for a program."""

import csv
import io
from collections.abc import Sequence

from pydantic import TypeAdapter

from skinapi.accounts.admin.schemas import AuditRow

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
# A spreadsheet takes a cell that begins so for a formula, and runs it.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS = TypeAdapter(Sequence[AuditRow])


def json_of(rows: Sequence[AuditRow]) -> bytes:
    """Write the rows as `GET /audit` answers them."""
    return ROWS.dump_json(rows, by_alias=True)


def csv_of(rows: Sequence[AuditRow]) -> bytes:
    """With a line of names, behind a byte order mark, without which Excel reads no UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        fields = row.model_dump(mode="json")
        writer.writerow([cell_of(fields[column]) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def cell_of(value: object) -> str:
    """An apostrophe before what would be a formula: a spreadsheet shows it as a text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text
