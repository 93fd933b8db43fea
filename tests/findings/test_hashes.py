"""The hashes of a request, which recognise a retry, and of a report's seal. A new fact changes none
of the existing hashes.
"""

from datetime import UTC, datetime
from typing import Literal

import pytest

from skinapi.base.languages import LocalizedText
from skinapi.findings.prediction.service import SentPhotos
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import Narrative, Report, ReportedPatient, Sections
from skinapi.findings.reports.verification import seal_report
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band
from skinapi.model.context import Context

CONTEXTS = {
    "nothing": Context(),
    "first facts": Context.model_validate(
        {"modality": "clinical", "age_band": "45-59", "sex": "female", "body_site": "back",
         "fitzpatrick": 2, "skin_tone": "light", "checklist": ("oozing",)}
    ),
    "later facts": Context.model_validate(
        {"age": 50, "body_site": "hand", "body_laterality": "left", "body_side": "rear",
         "checklist": (), "skin_confirmed": True, "text_in_picture": True}
    ),
}  # fmt: skip
# These hashes are in existing stores.
STORED = {
    "nothing": "b7a2fb0c50e36f6c",
    "first facts": "b854159b8fef436e",
    "later facts": "5025beeb0fcedf69",
}


class WithAnotherFact(Context):
    tanned: Literal["a little", "much"] | None = None
    swollen: bool = False


def hashes_of(context: Context) -> tuple[str, str]:
    facts = Facts(
        examined=True,
        stated="melanoma",
        confidence=0.7,
        band=Band.URGENT_REFERRAL,
        raised_by=(RaisedBy.MOST_PROBABLE,),
        not_dermoscopic=False,
        notices=(LocalizedText(en="Read this.", fr="Lisez ceci."),),
        context=context,
    )
    said = Sections(
        overview="a",
        importance_of_early_detection="b",
        recommendation="c",
        confidence_explanation="d",
    )
    report = Report(
        facts=facts,
        narrative=Narrative(
            language="en", sections=said, findings=("e",), limits=("f",), next_steps=("g",)
        ),
        number=7,
        patient=ReportedPatient(name="Ada", email="ada@example.org"),
        made_at=datetime(2026, 11, 28, tzinfo=UTC),
    )
    sent = SentPhotos(contents=(b"one", b"two"), context=context, language="en", lesion="0" * 32)
    return sent.request_hash, seal_report(report, finding="1" * 32, spot_version=1)


@pytest.mark.parametrize("told", CONTEXTS)
def test_a_request_keeps_its_hash(told: str) -> None:
    request, _ = hashes_of(CONTEXTS[told])
    assert request[:16] == STORED[told]


@pytest.mark.parametrize("told", CONTEXTS)
def test_a_fact_that_is_added_and_not_told_changes_no_hash(told: str) -> None:
    before = CONTEXTS[told]
    after = WithAnotherFact.model_validate(before.model_dump())
    assert hashes_of(after) == hashes_of(before)
    told_more = after.model_copy(update={"tanned": "much"})
    assert not {*hashes_of(told_more)} & {*hashes_of(before)}
