"""Facts of every kind, as findings and callers bring them."""

import math
from typing import Any

from hypothesis import strategies as st

from skinapi.reports.facts import UNKNOWN, Facts
from skinapi.vision.bands import choose_band
from skinapi.vision.conditions import conditions_table
from skinapi.vision.context import Context, Modality
from skinapi.vision.finding import Doubt, Finding, rank, sum_malignant
from tests.findings import finding_of

KEYS = conditions_table().keys
ITEMS = [item.key for item in conditions_table().checklist.items]

shares = st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda drawn: sum(drawn) > 0.1)
doubts = st.lists(st.sampled_from(Doubt), unique=True).map(tuple)
contexts = st.builds(
    Context,
    modality=st.sampled_from(Modality),
    checklist=st.none() | st.lists(st.sampled_from(ITEMS), unique=True).map(tuple),
)


def facts_of(key: str = "melanoma", context: Context = UNKNOWN, **fields: Any) -> Facts:
    return Facts.of(finding_of(key, **fields), context)


@st.composite
def found(draw: st.DrawFn) -> Facts:
    """From a finding whose band is the one that its figures ask for."""
    drawn, reasons, context = draw(shares), draw(doubts), draw(contexts)
    p = {key: share / math.fsum(drawn) for key, share in zip(KEYS, drawn, strict=True)}
    ranked = rank(p)
    band, raised_by = choose_band(
        probabilities=p, thresholds={}, context=context, uncertain=bool(reasons)
    )
    plausible = [entry.key for entry in ranked[: 3 if reasons else 1]]
    finding: Finding = finding_of(
        ranked=ranked,
        stated=draw(st.sampled_from(plausible)),
        malignant_score=sum_malignant(ranked),
        band=band,
        raised_by=raised_by,
        reasons=reasons,
        uncertain=bool(reasons),
        not_dermoscopic=context.modality is not Modality.DERMOSCOPIC,
        checklist_score=context.checklist_score,
    )
    return Facts.of(finding, context)


stated = st.builds(Facts.as_stated, condition=st.sampled_from(KEYS), confidence=st.floats(0, 1))
any_facts = found() | stated
