"""A server of version 4 of the store, which runs beside this code, removes no last admin either."""

from skinapi.storage.ports import Document, Ops
from tests.support.backends import Backend


def test_a_removal_that_an_earlier_server_has_begun_fails_where_another_admin_goes(
    backend: Backend,
) -> None:
    """It takes the account off the list by the list's version, then changes the account by its
    revision. In between, that account is still an admin to this code.
    """
    for name in "ab":
        backend.member(f"{name}@example.org", role="admin")
    first, second = (backend.account(f"{name}@example.org") for name in "ab")
    store, admin = backend.services.store, backend.services.admin
    listed: Document = {"id": "active-admins", "ids": sorted([first.id, second.id])}
    [found] = store.collection("counters").find({"id": listed["id"]})
    assert found["ids"] == listed["ids"]
    taken_off: Ops = {"$set": {"ids": [first.id]}, "$inc": {"version": 1}}
    unchanged = {"id": listed["id"], "version": found["version"]}
    assert store.collection("counters").update(unchanged, taken_off)
    admin.set_role(email=first.email, role="user", by="-")
    compare_and_set = {"id": second.id, "revision": second.revision}
    assert not store.collection("accounts").update(compare_and_set, {"$set": {"role": "user"}})
    assert not store.collection("counters").update(
        {"id": listed["id"], "version": found["version"] + 1}, {"$set": {"ids": []}}
    )
    [found] = store.collection("counters").find({"id": listed["id"]})
    assert found["ids"] == backend.services.accounts.active_admins.ids() == [second.id]
