"""What tests and benches fill a store with is what the port would have kept."""

from skinapi.platform.storage.ids import now
from skinapi.platform.storage.ports import Store
from tests.stores.bulk_insert import fill, fill_alike

ALIKE = {"made_at": now(), "word": "Ä", "deep": {"list": [1.5, None, "x"]}, "none": None}
EACH = [{"id": f"{number}", "number": number, "ends_at": now()} for number in range(3)]


def test_bulk_inserts_keep_what_the_port_keeps(real_store: Store) -> None:
    inserted = real_store.collection("inserted")
    for one in EACH:
        inserted.insert({**ALIKE, **one})
    fill(real_store, "filled", ({**ALIKE, **one} for one in EACH))
    fill_alike(real_store, "alike", {**ALIKE, "number": -1}, EACH)
    expected = inserted.find()
    assert len(expected) == len(EACH)
    assert real_store.collection("filled").find() == expected
    assert real_store.collection("alike").find() == expected
