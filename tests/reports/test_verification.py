"""What a report's verification code stands for."""

from collections.abc import Sequence

from skinapi.languages import Language
from skinapi.records.reviews.letters import Letter
from skinapi.reports.facts import Facts
from skinapi.reports.narrative import Narrative, Reason, Source
from skinapi.reports.text.template import write_template
from skinapi.reports.verification import seal_report

FACTS = Facts.as_stated(condition="melanoma", confidence=0.9)


def written(language: Language = "en", source: Source | None = None) -> Narrative:
    narrative = write_template(FACTS, language)
    return narrative.model_copy(update={"source": source or Source()})


def sealed(narrative: Narrative, submission: str = "one", letters: Sequence[Letter] = ()) -> str:
    return seal_report(
        facts=FACTS,
        narrative=narrative,
        review=None,
        decision=None,
        letters=letters,
        renderer="r",
        submission=submission,
    )


def test_a_report_read_while_the_llm_fails_has_the_code_it_always_has() -> None:
    assert sealed(written(source=Source(reason=Reason.NO_KEY))) == sealed(written())


def test_another_language_another_submission_and_other_words_have_codes_of_their_own() -> None:
    narrative = written()
    other_words = narrative.model_copy(update={"limits": ("Something else.",)})
    codes = {
        sealed(narrative),
        sealed(narrative, "another"),
        sealed(written("fr")),
        sealed(other_words),
    }
    assert len(codes) == 4
