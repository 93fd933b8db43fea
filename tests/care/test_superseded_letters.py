"""A letter is superseded by what counts of the spot, or by what has ended what it says; not by
whatever else was decided of another photo since.
"""

from typing import Any

import pytest

from skinapi.model.conditions import Band
from tests.care.clinic import file_for
from tests.care.test_letter_status import AWAITED, MELANOMA, NEVUS, ROUTINE, go_to
from tests.care.test_letters import Practice
from tests.findings.prediction.photographer import predicted
from tests.findings.reports.sample_reports import text_of
from tests.support.backends import Backend

RESULT: dict[str, Any] = {"histology_result": NEVUS, "urgency": "self_monitoring"}


def take_photo(at: Practice, spot: str) -> int:
    """Another one, of which `at` is then; returns the one before."""
    return go_to(at, predicted(at.ada, lesion=spot, keep_photo="true")["id"])


def superseded(at: Practice) -> dict[str, Any] | None:
    (one, same) = ([item["superseded"] for item in at.shown_to(who)] for who in (at.ada, at.doctor))
    assert one == same
    found: dict[str, Any] | None = one[-1]
    return found


def forget_what_was_seen(at: Practice) -> None:
    """As if the doctor of this finding's reviews had no other photo of the spot before them."""
    records = at.backend.services.findings.records
    about = records.find_by_number(at.number)
    assert about
    reviews = at.backend.services.store.collection("reviews")
    reviews.update_all({"submission": about.id}, {"$set": {"saw": []}})


def test_a_result_of_an_older_photo_strikes_no_letter_of_a_sample_that_is_still_awaited(
    any_backend: Backend,
) -> None:
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(MELANOMA, **AWAITED)
    older = take_photo(at, spot)
    at.review(MELANOMA, **AWAITED)
    assert at.sign(at.draft()).status_code == 200
    newer = go_to(at, older)
    at.review(NEVUS, **RESULT)
    go_to(at, newer)
    instruction = at.ada.call("GET", f"/submissions/{newer}").get_json()["instruction"]
    assert (instruction["finding"], instruction["waits_for"]) == (newer, "result")
    assert superseded(at) is None
    assert "counts instead" not in text_of(at.report("report.pdf").data)


def test_a_graver_decision_that_does_not_count_strikes_no_letter_that_begins_with_what_counts(
    any_backend: Backend,
) -> None:
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(NEVUS, **ROUTINE)
    first = take_photo(at, spot)
    at.review(MELANOMA)
    second = go_to(at, first)
    assert at.sign(at.draft()).status_code == 200
    take_photo(at, spot)
    at.review("basal_cell_carcinoma", urgency="referral")
    forget_what_was_seen(at)
    go_to(at, first)
    instruction = at.ada.call("GET", f"/submissions/{first}").get_json()["instruction"]
    assert instruction["finding"] == second
    assert superseded(at) is None


def test_a_letter_that_begins_with_a_decision_that_was_changed_since_names_none(
    shared_backend: Backend,
) -> None:
    """Of the two that are left its own counts, of which it says what it said."""
    at = Practice(shared_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(NEVUS, **ROUTINE)
    first = take_photo(at, spot)
    at.review(MELANOMA)
    forget_what_was_seen(at)
    second = go_to(at, first)
    assert at.sign(at.draft()).status_code == 200
    go_to(at, second)
    at.review(NEVUS, urgency="self_monitoring")
    forget_what_was_seen(at)
    go_to(at, first)
    found = superseded(at)
    assert found
    assert (found["because"], found["decided_by"]) == ("sorting", "")


@pytest.mark.parametrize("result_first", [False, True])
def test_a_letter_names_the_decision_that_counts_and_not_the_result_of_its_own_photo(
    shared_backend: Backend, result_first: bool
) -> None:
    at = Practice(shared_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(NEVUS, **ROUTINE)
    assert at.sign(at.draft()).status_code == 200
    if result_first:
        proven = at.review(NEVUS, **RESULT)
        found = superseded(at)
        assert found
        assert (found["decided_at"], found["by_result"]) == (proven["created_at"], True)
    first = take_photo(at, spot)
    awaited = at.review(MELANOMA, **AWAITED)
    go_to(at, first)
    if not result_first:
        at.review(NEVUS, **RESULT)
    found = superseded(at)
    assert found
    assert (found["decided_at"], found["by_result"]) == (awaited["created_at"], False)


def test_a_letter_of_what_a_newer_decision_has_ended_is_struck_whatever_counts_by_now(
    any_backend: Backend,
) -> None:
    at = Practice(any_backend, reviewed=False)
    spot = at.sort_into_spot()
    at.review(MELANOMA)
    assert at.sign(at.draft()).status_code == 200
    first = take_photo(at, spot)
    ended = at.review(NEVUS, urgency="self_monitoring")
    file_for(any_backend, at.ada, Band.REFERRAL, lesion=spot)
    go_to(at, first)
    instruction = at.ada.call("GET", f"/submissions/{first}").get_json()["instruction"]
    assert instruction["from"] == "finding"
    found = superseded(at)
    assert found
    assert found["decided_at"] == ended["created_at"]
