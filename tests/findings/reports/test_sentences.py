import re
from typing import Any

import pytest

from skinapi.base.area_parts import list_parts
from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.template import write_template
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import Band, conditions_table
from skinapi.model.context import NOTHING_TOLD, Modality
from skinapi.model.headline import rank, say_share
from tests.findings.reports.contradictions import About, Contradiction, contradictions
from tests.findings.reports.random_findings import Said, random_findings, random_said
from tests.findings.reports.sentence_views import printed_views, view_of, views_of
from tests.support.findings import finding_of
from tests.support.size import size

OF_AREAS = list_parts("sentences", "tests")
PARTS = 4
FINDINGS = size(100, 2000) // PARTS
PRINTED = size(4, 40)


def about(said: Said) -> About:
    finding, decision = said.finding, said.decision
    written = decision.decided_at if decision else finding.created_at
    advice = None if finding.says_instruction else finding.instruction
    return About(said.facts, said.language, written.date(), decision, advice)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_sentence_about_a_finding_contradicts_another(part: int) -> None:
    found: dict[int, list[Contradiction]] = {}
    for seed, said in random_findings(FINDINGS, first=part * FINDINGS):
        known = about(said)
        wrong = contradictions(views_of(said), known)
        for area in OF_AREAS:
            wrong += contradictions(area.views_of(said), known)
        found |= {seed: wrong} if wrong else {}
    assert not found


def test_no_sentence_on_paper_contradicts_another() -> None:
    for seed, said in random_findings(PRINTED):
        assert not contradictions(printed_views(said), about(said)), seed


def test_the_picture_that_alone_asks_is_named_with_its_number() -> None:
    asked = [
        said.facts
        for _, said in random_findings(100)
        if RaisedBy.PICTURE in said.facts.raised_by and not said.facts.restated
    ]
    assert asked
    for facts in asked:
        place, one = next(
            each for each in enumerate(facts.pictures, 1) if each[1].band is facts.band
        )
        share = one.heading.probability
        if one.heading.key not in conditions_table().malignant_keys:
            share = one.malignant or 0
        said = say_share(share, malignant=True).en
        finding = next(item for item in write_template(facts, "en").findings if "Urgency" in item)
        assert re.search(rf"the reason: picture {place} by itself \(.*: {said}\)\.$", finding)


SPARED = {"band": Band.SELF_MONITORING, "raised_by": (RaisedBy.MOST_PROBABLE,)}
MOLE = {
    "band": Band.REFERRAL,
    "ranked": rank({"melanocytic_nevus": 0.7, "melanoma": 0.22, "basal_cell_carcinoma": 0.08}),
}


def with_facts(direction: str, now: int) -> str:
    return (
        f"At this place a mole is {direction} likely than the picture alone tells: {now} instead "
        "of 60 in 100."
    )


TOLD_MOLE = MOLE | {"from_picture": rank({"melanocytic_nevus": 0.6, "melanoma": 0.4})}


@pytest.mark.parametrize(
    ("texts", "finding", "told"),
    [
        (["Most likely a melanoma.", "Which kind it is, the check cannot tell."], {}, {}),
        (["This is urgent; the reason: a melanoma."], MOLE, {}),
        (["Urgency: Referral; the reason: Melanoma."], MOLE, {}),
        (["The model's estimate: a melanoma (about 3 in 10)."], MOLE, {}),
        (["NICE NG12 names a routine referral for a suspected basal cell carcinoma."], MOLE, {}),
        (["It does not look like skin.", "A doctor should see it in any case."], {}, {}),
        (
            ["This check missed about 5 in its tests on dermoscope pictures."],
            {},
            {"modality": Modality.CLINICAL},
        ),
        (["This check missed about 5 in its tests on dermoscope pictures."], {}, {}),
        (["Most likely a melanoma.", "The check is not sure which kind it is."], {}, {}),
        (["By Friday 4 December 2026."], {}, {}),
        (["By 4 December 2020 (Friday)."], {}, {}),
        (["See a doctor this week.", "No appointment is needed."], {}, {}),
        (["Show the spot to a doctor.", "Show the spot to a doctor."], {}, {}),
        (
            ["Most likely a mole.", "A mole is harmless.", "A melanoma cannot be ruled out."],
            MOLE,
            {},
        ),
        (["A skin cancer cannot be ruled out."], SPARED, {}),
        ([with_facts("more", 70)], TOLD_MOLE, {}),
        ([with_facts("less", 70)], TOLD_MOLE | SPARED, {}),
        ([with_facts("more", 71)], TOLD_MOLE | SPARED, {}),
        (
            ["Keep an eye on it; see a doctor if it changes."],
            SPARED,
            {"checklist": ("change_in_size",)},
        ),
    ],
    ids=lambda item: item[0] if isinstance(item, list) else "",
)
def test_the_reader_finds_what_contradicts(
    texts: list[str], finding: dict[str, Any], told: dict[str, Any]
) -> None:
    said = random_said(0)
    key = "melanocytic_nevus" if "ranked" in finding else "melanoma"
    context = NOTHING_TOLD.model_copy(update=told)
    facts = Facts.from_finding(finding_of(key, **finding), context)
    known = About(facts, "en", said.finding.created_at.date())
    assert contradictions([view_of("patient: finding", texts)], known)
