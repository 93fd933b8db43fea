"""Reads what is stored, whose it is, and what becomes of it. docs/operate/inventory.md has what
says something about a person, technical_fields.md beside this module the rest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel

from skinapi.app.migration.steps import EMPTIED
from tests.repository.documents import PAGES, ROOT

PAGE = "docs/operate/inventory.md"
TECHNICAL = "tests/privacy/technical_fields.md"
# In every document: when it was made, its random id, and how it is written.
COMMON = frozenset({"id", "created_at", "schema", "revision", "holds"})
# They hold nothing of a person: how this server keeps itself in order.
OF_THE_SERVER = frozenset({"leases", "restores", "store", *EMPTIED})


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of one collection of which the same is true. `exported` names what of the person's
    file has them, `why_not` why it does not, `kept` why they stay when the account is erased.
    """

    paths: tuple[str, ...]
    of: str
    kind: str
    exported: str | None
    why_not: str | None
    kept: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A collection; `erased` names with what it goes."""

    collection: str
    erased: str
    fields: tuple[Fields, ...]

    def find(self, path: str) -> Fields | None:
        """What is said of this path, or of the closest one above it. A path that ends in `*` is
        that of every name which begins so.
        """
        by_path = {item: fields for fields in self.fields for item in fields.paths}
        begins = [item for item in by_path if item.endswith("*") and path.startswith(item[:-1])]
        while path and path not in by_path:
            path = path.rpartition(".")[0]
        return by_path.get(path or "".join(begins[:1]))


def read_table(*head: str, page: str = PAGES[PAGE]) -> list[list[str]]:
    """The cells of the rows below this head; an empty first one repeats that of the row above."""
    rows = page.partition(f"| {' | '.join(head)} |\n")[2].partition("\n\n")[0]
    plain = re.sub(r"\[(`\w+`)\]\(\S+\)", r"\1", rows)  # areas' own have a link to their page
    cells = [[cell.strip() for cell in row[1:-1].split("|")] for row in plain.splitlines()[1:]]
    for above, row in pairwise(cells):
        row[0] = row[0] or above[0]
    return cells


WHY_NOT = {cells[0] for cells in read_table("not in the file", "because")}


def _read_fields(cells: list[str]) -> Fields:
    _, paths, of, kind, in_file, kept = cells
    missing = in_file if in_file in WHY_NOT else None
    named = re.sub(r"^each |`", "", in_file)
    return Fields(
        paths=tuple(paths.strip("`").split("`, `")),
        of=of,
        kind=kind,
        exported=None if missing or named == "–" else named,
        why_not=missing,
        kept=kept or None,
    )


_HEAD = ("collection", "fields", "of", "kind", "in the person's file", "stays")
_FIELDS = read_table(*_HEAD) + read_table(*_HEAD, page=(ROOT / TECHNICAL).read_text())
INVENTORY = [
    Stored(
        collection=name.strip("`"),
        erased=erased,
        fields=tuple(_read_fields(cells) for cells in _FIELDS if cells[0] == name),
    )
    for names, _, erased in read_table("collection", "until", "goes with")
    for name in names.split(", ")
]
BY_COLLECTION = {item.collection: item for item in INVENTORY}


def list_personal() -> Iterator[tuple[Stored, Fields]]:
    """What is stored of persons."""
    for stored in INVENTORY:
        for fields in stored.fields:
            if fields.of != "nobody":
                yield stored, fields


def list_unknown(collection: str, paths: set[str]) -> list[str]:
    """Those of the paths that are in no row, each with what to do about it."""
    if collection in OF_THE_SERVER:
        return []
    stored = BY_COLLECTION.get(collection)
    if stored is None:
        return [f"{collection}: a collection that no row of {PAGE} has"]
    return [
        f"{collection}.{path} is stored, and in no row of {PAGE} or {TECHNICAL}: say whose data "
        "it is, and whether it is exported, erased or kept"
        for path in sorted(paths)
        if path.partition(".")[0] not in COMMON and not stored.find(path)
    ]


def paths_of_model(model: type[BaseModel], _within: tuple[type, ...] = ()) -> set[str]:
    """Every stored field, and those of the models in it; of one that holds itself, once."""
    found = set[str]()
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        inner = [item for item in _models_in(field.annotation) if item not in (*_within, model)]
        found |= {
            f"{name}.{path}" for item in inner for path in paths_of_model(item, (*_within, model))
        }
        found |= set() if inner else {name}
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def paths_of(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document, with its path; those of a list have the path of the list."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths_of(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from paths_of(part, path)
    else:
        yield path, value
