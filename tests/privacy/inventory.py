"""Reads what is stored, about whom, and when it is deleted. docs/operate/inventory.md lists the
personal fields, technical_fields.md in this folder the others.
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
# Collections without personal data, in which the server manages itself.
OF_THE_SERVER = frozenset({"leases", "restores", "store", *EMPTIED})


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of one collection that share a row. `exported` names the part of the person's file
    that has them, `why_not` why there is none, `kept` why they survive an erasure.
    """

    paths: tuple[str, ...]
    of: str
    kind: str
    exported: str | None
    why_not: str | None
    kept: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A collection; `erased` names what deletes it."""

    collection: str
    erased: str
    fields: tuple[Fields, ...]

    def find(self, path: str) -> Fields | None:
        """Return the row of this path, or of its closest parent. A path that ends in `*` covers
        every name with that beginning.
        """
        by_path = {item: fields for fields in self.fields for item in fields.paths}
        begins = [item for item in by_path if item.endswith("*") and path.startswith(item[:-1])]
        while path and path not in by_path:
            path = path.rpartition(".")[0]
        return by_path.get(path or "".join(begins[:1]))


def read_table(*head: str, page: str = PAGES[PAGE]) -> list[list[str]]:
    """Return the cells of the rows below this head; an empty first cell repeats the one above."""
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
    for stored in INVENTORY:
        for fields in stored.fields:
            if fields.of != "nobody":
                yield stored, fields


def list_unknown(collection: str, paths: set[str]) -> list[str]:
    """Return the paths that are in no row, each with what to do about it."""
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
    """Return every stored field, and those of nested models. A recursive model is listed once."""
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
    """Return every value of a document with its path. The items of a list have the path of the
    list.
    """
    if isinstance(value, dict):
        for name, part in value.items():
            yield from paths_of(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from paths_of(part, path)
    else:
        yield path, value
