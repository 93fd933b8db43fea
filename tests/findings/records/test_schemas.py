from datetime import UTC, datetime
from typing import Any

import pytest

from skinapi.accounts.auth.account import Account
from skinapi.base.languages import Language
from skinapi.findings.records.schemas.finding_answer import FindingView
from skinapi.findings.records.spots import view_new_spot
from skinapi.findings.records.stored_finding import StoredFinding
from skinapi.findings.status.spot import Level, LevelSource
from skinapi.model.context import Context
from skinapi.model.finding import Finding
from skinapi.model.patient_facts import Fact
from tests.support.findings import finding_of, told_finding

FILED_AT = datetime(2026, 11, 21, tzinfo=UTC)
SECTIONS = (
    "overview",
    "importance_of_early_detection",
    "recommendation",
    "confidence_explanation",
)


def answer_of(judged: Finding, account: Account, language: Language = "en") -> dict[str, Any]:
    finding = StoredFinding(
        id="0" * 32,
        created_at=FILED_AT,
        changed="0" * 32,
        number=1,
        lesion="0" * 32,
        owner=account.id,
        level=Level(urgency=judged.band, source=LevelSource.MODEL, set_at=FILED_AT),
        finding=judged,
        context=Context(),
        language=language,
        sections=dict.fromkeys(SECTIONS, "Words."),
    )
    view = FindingView.from_finding(finding.see_in(view_new_spot(finding)), account)
    body: dict[str, Any] = view.model_dump(mode="json", by_alias=True)
    return body


@pytest.fixture
def ada() -> Account:
    return Account(
        id="1" * 32,
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
        email="ada@example.org",
        name="Ada Example",
        role="user",
        status="approved",
        password_hash="x",
    )


def test_conditions_have_the_codes_of_the_table_and_a_bundle_says_that_they_are_narrower(
    ada: Account,
) -> None:
    told = {item["key"]: item for item in answer_of(finding_of("melanoma"), ada)["codes"]}
    assert told["melanoma"] == {
        "key": "melanoma",
        "relation": "equivalent",
        "icd10cm": ["C43.9"],
        "icdo3": ["8720/3"],
        "snomed": ["93655004"],
    }
    assert told["actinic_keratosis"]["relation"] == "broader than"
    assert "normal_skin" not in told, "it has no codes"


def test_what_cannot_be_ruled_out_is_listed_for_each_level(ada: Account) -> None:
    body = answer_of(told_finding("melanoma"), ada)
    low, high = body["cannot_be_ruled_out"]
    assert (low["level"], high["level"]) == (0.9, 0.95)
    assert low["conditions"] == [{"key": "melanoma", "name": "Melanoma", "probability": 0.31}]
    assert low["too_few_pictures"] == []
    assert len(high["conditions"]) == 6
    assert high["too_few_pictures"] == ["dermatofibroma"]


def test_what_facts_changed_is_said_behind_the_headline_and_nothing_where_none_did(
    ada: Account,
) -> None:
    said = answer_of(told_finding("melanoma", moved_by=(Fact.AGE,)), ada)["headline"]
    assert said["facts_effect"]["en"].startswith("At your age a melanoma is more likely")
    plain = answer_of(finding_of("melanoma"), ada)["headline"]
    assert "facts_effect" not in plain
    assert not [name for name in (*said, *plain) if name.startswith("doctor")]


def test_a_picture_that_contradicts_what_was_told_is_said_to(ada: Account) -> None:
    body = answer_of(told_finding("melanoma"), ada)
    assert body["modality"] == {
        "told": "dermoscopic",
        "recognised": "clinical",
        "dermoscopic_probability": 0.02,
        "used": ["dermoscopic", "clinical"],
        "unsure": False,
        "contradicted": True,
    }
    assert [tested["modality"] for tested in body["tested"]] == ["dermoscopic", "clinical"]
    assert body["notices"][1:] == [
        (
            "Sent as a dermoscope picture, but it looks like an ordinary photograph: the more "
            "cautious answer is given."
        ),
        (
            "Tested on 1,000 lesions (dermoscope pictures): of the 200 that count as malignant, "
            "95.0% were sent to a doctor."
        ),
        (
            "Tested on 345 lesions (ordinary photographs): of the 90 that count as malignant, "
            "91.2% were sent to a doctor."
        ),
        (
            "Fewer than 100 malignant lesions were tested, so the check's advice is never less "
            "than a doctor's review."
        ),
    ]
