import math
from typing import Any

from hypothesis import strategies as st

from skinapi.findings.reports.facts import Facts
from skinapi.findings.reports.report import Narrative
from skinapi.model.bands import choose_band
from skinapi.model.conditions import NORMAL_SKIN, conditions_table
from skinapi.model.context import NOTHING_TOLD, Context, Modality
from skinapi.model.finding import Doubt, Finding
from skinapi.model.headline import NotRuledOut, rank, sum_malignant
from tests.support.findings import CONTRADICTED, EIGHT, LITTLE_TESTED, TESTED, UNSURE, finding_of

KEYS = conditions_table().keys
SQUAMOUS = "squamous_cell_carcinoma"
LESIONS = [key for key in KEYS if key != NORMAL_SKIN]
ITEMS = [item.key for item in conditions_table().checklist.items]

shares = st.lists(st.floats(0, 1), min_size=8, max_size=len(KEYS)).filter(
    lambda drawn: sum(drawn) > 0.1
)
doubts = st.lists(st.sampled_from(Doubt), unique=True).map(tuple)
contexts = st.builds(
    Context,
    modality=st.sampled_from(Modality),
    checklist=st.none() | st.lists(st.sampled_from(ITEMS), unique=True).map(tuple),
)


lesions = st.lists(st.sampled_from(LESIONS), unique=True).map(tuple)
not_ruled_out = st.tuples(lesions, lesions, lesions).map(
    lambda drawn: (
        NotRuledOut(level="0.90", keys=drawn[0]),
        NotRuledOut(level="0.95", keys=(*drawn[1], *set(drawn[2]) - {*drawn[1]}), too_few=drawn[2]),
    )
)


def texts_of(narrative: Narrative) -> tuple[str, ...]:
    sections = narrative.sections.model_dump().values()
    return (*sections, *narrative.findings, *narrative.limits, *narrative.next_steps)


def facts_of(key: str = "melanoma", context: Context = NOTHING_TOLD, **fields: Any) -> Facts:
    return Facts.from_finding(finding_of(key, **fields), context)


@st.composite
def found(draw: st.DrawFn) -> Facts:
    """Make one from a finding whose band follows from its figures."""
    drawn, reasons, context = draw(shares), draw(doubts), draw(contexts)
    outputs = EIGHT if len(drawn) == len(EIGHT) else KEYS
    p = {key: share / math.fsum(drawn) for key, share in zip(outputs, drawn, strict=True)}
    ranked = rank(p)
    named = draw(st.sampled_from([entry.key for entry in ranked[: 3 if reasons else 2]]))
    band, raised_by = choose_band(
        probabilities=p,
        named=named,
        thresholds={},
        checklist_score=context.checklist_score,
        uncertain=bool(reasons),
        little_tested=draw(st.booleans()),
        untested_skin=False,
    )
    finding: Finding = finding_of(
        ranked=ranked,
        stated=named,
        malignant_score=sum_malignant(ranked),
        band=band,
        raised_by=raised_by,
        reasons=reasons,
        uncertain=bool(reasons),
        not_dermoscopic=context.modality is not Modality.DERMOSCOPIC,
        checklist_score=context.checklist_score,
        told_signs=context.told_signs,
        modality=draw(st.sampled_from([None, UNSURE, CONTRADICTED])),
        tested=draw(st.sampled_from([(), (TESTED,), (TESTED, LITTLE_TESTED)])),
        from_picture=draw(st.sampled_from([None, ranked, finding_of(SQUAMOUS).ranked])),
        not_ruled_out=draw(not_ruled_out),
    )
    return Facts.from_finding(finding, context)


stated = st.builds(Facts.as_stated, condition=st.sampled_from(KEYS), confidence=st.floats(0, 1))
any_facts = found() | stated
