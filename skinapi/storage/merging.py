"""One listing from several, each of which an index serves in order.

Neither store can be relied on to answer an alternative, such as "by this account or about it", in
the order of an index: it would read and sort every match. Two bounded listings cost two lookups.
"""

from collections.abc import Iterable

from skinapi.storage.ports import Document


def merged(listings: Iterable[list[Document]], *, sort: str = "id", limit: int) -> list[Document]:
    """The first `limit` of all, each document once.

    Every listing must be sorted by `sort`, as in `Documents.find`, and hold its own first `limit`.
    """
    field = sort.removeprefix("-")
    found = {document["id"]: document for listing in listings for document in listing}
    ordered = sorted(found.values(), key=lambda one: (one[field], one["id"]))
    if sort.startswith("-"):
        ordered.reverse()
    return ordered[:limit]
