"""Every number in the template's words is one of the facts."""

import json
import re

import pytest
from hypothesis import given, settings

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.facts import Facts, sentences_of
from skinapi.findings.reports.report import MOST_CHARACTERS, Narrative
from skinapi.findings.reports.template import write_template
from skinapi.model.bands import RaisedBy
from skinapi.model.conditions import conditions_table
from skinapi.model.context import NOTHING_TOLD
from skinapi.model.finding import Doubt
from tests.findings.reports.facts import any_facts, facts_of, texts_of
from tests.findings.reports.figures import Figures
from tests.support.findings import told_finding
from tests.support.size import size

# Its sentences have sources, and numbers of their own.
TABLE = json.dumps(conditions_table().model_dump(mode="json"), ensure_ascii=False)
FACTS = (
    facts_of("melanocytic_nevus", raised_by=(RaisedBy.MALIGNANT,), checklist_score=4),
    Facts.of(told_finding("melanoma", reasons=tuple(Doubt)), NOTHING_TOLD),
)


def sentences_on(narrative: Narrative) -> list[str]:
    """Those that the facts have filled in."""
    said = [sentence for text in texts_of(narrative) for sentence in sentences_of(text)]
    return [sentence for sentence in said if sentence not in TABLE]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_never_contradicts_its_facts(language: Language) -> None:
    @settings(max_examples=size(40, 3000), deadline=None)
    @given(any_facts)
    def holds(facts: Facts) -> None:
        narrative = write_template(facts, language)
        assert all(map(Figures(facts, language).fit, sentences_on(narrative)))
        sections = narrative.sections.model_dump().values()
        assert sum(map(len, sections)) <= MOST_CHARACTERS

    holds()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("facts", FACTS)
def test_a_changed_digit_is_found_wherever_it_stands(facts: Facts, language: Language) -> None:
    figures, found = Figures(facts, language), 0
    for sentence in sentences_on(write_template(facts, language)):
        for digit in re.finditer(r"\d", sentence):
            other = str((int(digit[0]) + 3) % 10)
            changed = sentence[: digit.start()] + other + sentence[digit.end() :]
            assert not figures.fit(changed), changed
            found += 1
    assert found > 20
