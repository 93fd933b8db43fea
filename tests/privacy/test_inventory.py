"""The inventory of what is stored has a row for every field, and what it says of each is so."""

import pytest

from skinapi.app.composition.services import MODELS
from skinapi.privacy.person_file.format import FILES
from tests.privacy.inventory import (
    BY_COLLECTION,
    INVENTORY,
    OF_THE_SERVER,
    list_personal,
    list_unknown,
    paths_of_model,
    read_table,
)
from tests.repository.documents import chapter

# What lists and comparisons look for, beside the fields of a model.
BESIDE = {"search", "family", *(f"band_{part}" for part in "abcd")}


@pytest.mark.parametrize("collection", MODELS)
def test_every_field_of_a_stored_model_is_in_a_row(collection: str) -> None:
    assert list_unknown(collection, paths_of_model(MODELS[collection])) == []


def test_every_collection_is_in_the_inventory() -> None:
    assert MODELS.keys() <= BY_COLLECTION.keys() | OF_THE_SERVER


def test_the_inventory_names_no_field_that_is_gone() -> None:
    for collection, model in MODELS.items():
        fields = model.model_fields.keys() | BESIDE
        named = {
            path.partition(".")[0] for one in BY_COLLECTION[collection].fields for path in one.paths
        }
        assert {one for one in named - fields if "*" not in one} == set(), collection


def test_each_persons_field_is_exported_or_says_why_not_and_erased_or_says_why_it_stays() -> None:
    why_not = {cells[0] for cells in read_table("not in the file", "because")}
    kept = {cells[0] for cells in read_table("stays", "because")}
    for stored, fields in list_personal():
        where = f"{stored.collection} {fields.paths}"
        assert bool(fields.exported) != bool(fields.why_not), where
        assert stored.erased in ("account", "finding") or fields.kept, where
        assert {fields.exported} <= {None, "photo", "report", *FILES}, where
        assert {fields.why_not} <= {None, *why_not}, where
        assert {fields.kept} <= {None, *kept}, where
        assert fields.of in ("patient", "account", "doctor"), where


def test_what_is_stored_has_a_row_in_the_docs() -> None:
    table = chapter("docs/security.md", "What is stored, and for how long")
    rows = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")}
    assert {one.row for one in INVENTORY} <= rows
