"""Who may use a name of data sets, and which number the next version of it gets.

**A name belongs to the account that used it first, while it has a data set of that name.** Whoever
trains "on the newest version" would otherwise get somebody else's pictures. A data set is stored
before its name is looked at, so of two accounts at the same moment at least one sees the other.

**A number never comes back**, also after its version was deleted: model cards name it. The counter
keeps a hash of the name and no owner.
"""

import hashlib

from skinapi.lab.errors import NameTaken
from skinapi.storage.ports import Store


class DatasetNames:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("datasets")
        self._documents.ensure_index("name_key", "id")
        self._counters = store.collection("counters")

    def refuse_taken(self, name_key: str, *, owner: str) -> None:
        """Raises NameTaken where the name is another account's. Ask once a data set of this owner
        is stored.
        """
        wanted = {"name_key": name_key, "owner": {"$ne": owner}, "status": {"$ne": "refused"}}
        if not self._documents.find(wanted, limit=1, fields=()):
            return
        # An admin's versions may stand beside those of the account that the name belongs to.
        published = {"name_key": name_key, "status": "published"}
        first = self._documents.find(published, limit=1, fields=("owner",))
        if not first or first[0]["owner"] != owner:
            raise NameTaken

    def next_version(self, name_key: str) -> int:
        number = self._count(name_key, 1)
        wanted = {"name_key": name_key, "version": {"$gt": 0}}
        found = self._documents.find(wanted, sort="-version", limit=1, fields=("version",))
        if found and found[0]["version"] >= number:  # published before numbers were counted
            number = self._count(name_key, found[0]["version"] + 1 - number)
        return number

    def _count(self, name_key: str, more: int) -> int:
        hashed = hashlib.sha256(name_key.encode()).hexdigest()
        counter = {"id": f"dataset-versions-{hashed}"}
        counted = self._counters.update(counter, {"$inc": {"value": more}}, upsert=True)
        return int(counted["value"]) if counted else more
