"""Updates: the operators, upserts, and compare-and-set."""

from typing import Any

import pytest

from skinapi.base.errors import Duplicate
from skinapi.platform.storage.ports import Documents, Ops


def test_an_update_answers_the_document_as_it_became(documents: Documents) -> None:
    documents.insert({"id": "a", "n": 1, "gone": "x", "kept": [1]})
    ops: Ops = {
        "$set": {"new": "y"},
        "$inc": {"n": 2, "fresh": 5},
        "$unset": {"gone": True, "never": ""},
    }
    became = {"id": "a", "n": 3, "fresh": 5, "new": "y", "kept": [1]}
    assert documents.update({"id": "a"}, ops) == became
    assert documents.get("a") == became


def test_without_a_match_nothing_changes(documents: Documents) -> None:
    documents.insert({"id": "a", "n": 1})
    assert documents.update({"id": "a", "n": 2}, {"$set": {"n": 3}}) is None
    assert documents.find() == [{"id": "a", "n": 1}]


def test_a_compare_and_set_succeeds_once(documents: Documents) -> None:
    documents.insert({"id": "a", "version": 1})
    expected, ops = {"id": "a", "version": 1}, {"$inc": {"version": 1}}
    assert documents.update(expected, ops) == {"id": "a", "version": 2}
    assert documents.update(expected, ops) is None


def test_one_document_changes_the_first_by_id(documents: Documents) -> None:
    for identifier, n in (("c", 2), ("a", 1), ("b", 2)):
        documents.insert({"id": identifier, "n": n})
    first = {"id": "b", "n": 2, "first": True}
    assert documents.update({"n": 2}, {"$set": {"first": True}}) == first
    assert documents.count({"first": True}) == 1


def test_an_upsert_makes_the_document_of_its_equalities(documents: Documents) -> None:
    made = documents.update(
        {"id": "a", "kind": "x", "n": 1},
        {"$inc": {"n": 1, "m": 1}, "$set": {"list": [1]}, "$unset": {"kind": True}},
        upsert=True,
    )
    assert made == {"id": "a", "n": 2, "m": 1, "list": [1]}
    assert documents.find() == [made]


def test_an_upsert_changes_what_is_there(documents: Documents) -> None:
    for n in (1, 2, 3):
        assert documents.update({"id": "a"}, {"$inc": {"n": 1}}, upsert=True) == {"id": "a", "n": n}


def test_an_upsert_that_misses_a_taken_id_is_a_duplicate(documents: Documents) -> None:
    documents.insert({"id": "a", "n": 1})
    with pytest.raises(Duplicate):
        documents.update({"id": "a", "n": 2}, {"$inc": {"n": 1}}, upsert=True)
    assert documents.find() == [{"id": "a", "n": 1}]


def test_an_update_into_a_taken_key_is_a_duplicate(documents: Documents) -> None:
    documents.ensure_index("email", unique=True)
    documents.insert({"id": "a", "email": "x"})
    documents.insert({"id": "b", "email": "y"})
    with pytest.raises(Duplicate):
        documents.update({"id": "b"}, {"$set": {"email": "x"}})
    with pytest.raises(Duplicate):
        documents.update({"id": "c", "email": "x"}, {"$set": {"n": 1}}, upsert=True)
    assert documents.find() == [{"id": "a", "email": "x"}, {"id": "b", "email": "y"}]


@pytest.mark.parametrize("value", ["1", True, [1], {"one": 1}])
def test_only_a_number_is_incremented(real_documents: Documents, value: Any) -> None:
    real_documents.insert({"id": "a", "n": value})
    with pytest.raises(ValueError):
        real_documents.update({"id": "a"}, {"$inc": {"n": 1}})
    assert real_documents.get("a") == {"id": "a", "n": value}


def test_a_first_write_that_is_refused_leaves_a_collection_that_works(
    real_documents: Documents,
) -> None:
    with pytest.raises(ValueError):
        real_documents.update({"id": "a", "n": "x"}, {"$inc": {"n": 1}}, upsert=True)
    assert real_documents.find() == []
    real_documents.insert({"id": "a"})


def test_a_sum_beyond_64_bits_is_refused(real_documents: Documents) -> None:
    real_documents.insert({"id": "a", "n": 2**63 - 2})
    assert real_documents.update({"id": "a"}, {"$inc": {"n": 1}}) == {"id": "a", "n": 2**63 - 1}
    with pytest.raises(ValueError):
        real_documents.update({"id": "a"}, {"$inc": {"n": 1}})
    assert real_documents.get("a") == {"id": "a", "n": 2**63 - 1}


def test_a_real_number_is_incremented_too(documents: Documents) -> None:
    documents.insert({"id": "a", "n": 0.5})
    assert documents.update({"id": "a"}, {"$inc": {"n": -1}}) == {"id": "a", "n": -0.5}
