"""The migrations of stored data, in the order of the store's versions.

To add one: raise VERSION in storage/store_version.py, and add an entry here. A new version only
adds: a field, a collection, an index that is not unique. Code of the version before then goes on
reading and writing beside it. What it no longer needs is removed a version later, and that version
raises COMPATIBLE_SINCE.
"""

from functools import partial

from skinapi.auth.accounts.search_migration import fill_search_fields
from skinapi.composition.services import Services
from skinapi.records.reviews.reviews import Reviews
from skinapi.storage.background.migration import Migration
from skinapi.storage.ports import Store


def migrations_of(services: Services) -> list[Migration]:
    return [
        Migration(version=6, name="opinions", fill=Reviews(services.store).fill_opinions),
        Migration(version=6, name="finding_counts", fill=partial(_drop_counts, services.store)),
        Migration(version=6, name="search", fill=partial(fill_search_fields, services.store)),
    ]


def _drop_counts(store: Store, _: str | None) -> None:
    """Servers of version 4 counted findings beside the accounts."""
    store.collection("finding_counts").delete({})
