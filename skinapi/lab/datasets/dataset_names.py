"""Who may use a name of data sets, and which number the next version of it gets.

**A name belongs to the account that used it first, while it has a data set of that name.** Whoever
trains "on the newest version" would otherwise get somebody else's pictures.

**A number never comes back**, also after its version was deleted: model cards name it. The counter
keeps a hash of the name and no owner.
"""

import hashlib

from skinapi.lab.errors import NameTaken
from skinapi.platform.storage.ports import Store


class DatasetNames:
    def __init__(self, store: Store) -> None:
        self._documents = store.collection("datasets")
        self._documents.ensure_index("name_key", "id")
        self._counters = store.collection("counters")

    def refuse_taken(self, name_key: str, *, owner: str) -> None:
        """Raises NameTaken where the name is another account's. Call it in the transaction that
        stores a data set: it changes the name's counter, so that another one runs again.
        """
        self._change_counter(name_key, "claims", 1)
        wanted = {"name_key": name_key, "owner": {"$ne": owner}, "status": {"$ne": "refused"}}
        if not self._documents.find(wanted, limit=1, fields=()):
            return
        # An admin's versions may stand beside those of the account that the name belongs to.
        published = {"name_key": name_key, "status": "published"}
        first = self._documents.find(published, limit=1, fields=("owner",))
        if not first or first[0]["owner"] != owner:
            raise NameTaken

    def next_version(self, name_key: str) -> int:
        number = self._change_counter(name_key, "value", 1)
        wanted = {"name_key": name_key, "version": {"$gt": 0}}
        newest = self._documents.find(wanted, sort="-version", limit=1, fields=("version",))
        if newest and newest[0]["version"] >= number:  # published before numbers were counted
            more = newest[0]["version"] + 1 - number
            number = self._change_counter(name_key, "value", more)
        return number

    def _change_counter(self, name_key: str, field: str, more: int) -> int:
        hashed = hashlib.sha256(name_key.encode()).hexdigest()
        counter = {"id": f"dataset-versions-{hashed}"}
        counted = self._counters.update(counter, {"$inc": {field: more}}, upsert=True)
        return int(counted[field]) if counted else more
