"""The migrations of stored data, in the order of the store's versions.

To add one: raise VERSION in storage/store_version.py, and add an entry here. A new version that
only adds (a field, a collection, an index that is not unique) runs beside the version before. What
that no longer needs is removed a version later, which raises COMPATIBLE_SINCE and removes the
entry.
"""

from skinapi.composition.services import Services
from skinapi.storage.migration import Migration


def migrations_of(services: Services) -> list[Migration]:
    submissions = services.data.submissions
    return [
        Migration(version=7, name="models of findings", fill=submissions.fill_model_version),
        Migration(version=9, name="keys of lists", fill=services.records.renew_keys),
    ]
