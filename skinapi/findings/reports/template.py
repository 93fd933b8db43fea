"""Writes a narrative from the facts alone. Equal facts give equal text."""

from collections.abc import Sequence

from skinapi.base.languages import Language, LocalizedText, lower_first
from skinapi.findings.reports.explanation import (
    IN_CASE,
    Paragraphs,
    Plan,
    WordedSentence,
    plan_explanation,
)
from skinapi.findings.reports.facts import (
    Facts,
    key_asked_by,
    say_certainty,
    say_doubts,
    say_headline,
    say_reason,
    say_sent,
    say_stated,
)
from skinapi.findings.reports.report import MOST_CHARACTERS, Narrative, Sections
from skinapi.findings.reports.words import SENTENCES, sentences_of
from skinapi.model.bands import RaisedBy, is_sent
from skinapi.model.conditions import NORMAL_SKIN, Condition, conditions_table
from skinapi.model.finding import Doubt, doubt_notice, modality_doubts
from skinapi.model.headline import (
    RankedCondition,
    probability_of,
    say_chance,
    say_share,
    say_share_of,
)


def write_template(
    facts: Facts, language: Language, plan: Plan | None = None, worded: Paragraphs = ()
) -> Narrative:
    """The patient's sections contain no percentages; a doctor reads those in the findings."""
    sentences = _Sentences(facts, language)
    plan = plan_explanation(facts, "patient") if plan is None else plan
    return Narrative(
        language=language,
        sections=_fill_sections(sentences, worded),
        explanation=plan.around(worded, language) if worded else plan.as_written(language),
        findings=(*sentences.lead(for_doctor=True), *sentences.figures(), sentences.band()),
        limits=sentences.notices(),
        next_steps=(
            sentences.action(),
            *sentences.near_limit(),
            *sentences.checklist_result(high=False),
        ),
    )


# The section of the Angular app for an LLM's sentence, by topic; the overview has all others.
EARLY = frozenset({"early", "late", "small"})
TREATMENT = frozenset({"exam", "treat", "others", "management", "proven"})


def _fill_sections(sentences: "_Sentences", worded: Paragraphs) -> Sections:
    """Fill the four sections up to the space in the Angular app's PDF; `limits` has everything."""
    lead = [*sentences.lead(), *sentences.urgency_beyond()]
    overview = _join(*lead, *sentences.what_it_is())
    early = _join(*sentences.why_early())
    recommendation = _join(*sentences.advice(), *sentences.checklist_result())
    confidence, doubt = sentences.confidence(), sentences.first_doubt()
    information = sentences.information_only()
    bare = overview, early, recommendation, _join(*confidence, *doubt, information)
    room = MOST_CHARACTERS - sum(map(len, bare))
    if room < 0:  # the overview names this doubt, too
        room, doubt = room + len(_join(*doubt)), []

    def fit(text: str, longer: str) -> str:
        nonlocal room
        if len(longer) > room + len(text):
            return text
        room += len(text) - len(longer)
        return longer

    of_overview, of_early, of_treatment = sentences.sort_by_section(worded)
    begins = [*lead, *sentences.in_short()]
    while of_overview and len(_join(*begins, *of_overview)) > room + len(overview):
        of_overview.pop()
    if of_overview:
        overview = fit(overview, _join(*begins, *of_overview))
    if of_early:
        early = fit(early, _join(*of_early))
    if of_treatment:
        recommendation = fit(recommendation, _join(recommendation, *of_treatment))
    fitting = []
    for notice in sentences.picture_notices():
        if len(notice) < room:
            fitting.append(notice)
            room -= len(notice) + 1
    return Sections(
        overview=overview,
        importance_of_early_detection=early,
        recommendation=recommendation,
        confidence_explanation=_join(*confidence, *doubt, *fitting, information),
    )


def _find_section(sentence: WordedSentence) -> int | None:
    condition, _, topic = sentence.passages[-1].partition(".")
    if condition in ("finding", "general"):
        return None
    return 1 if topic in EARLY else 2 if topic in TREATMENT else 0


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


class _Sentences:
    def __init__(self, facts: Facts, language: Language) -> None:
        self._facts = facts
        self._language = language
        self._phrases = SENTENCES[language]
        self._table = conditions_table()
        self._headline = facts.headline
        self._likely = self._table.by_key(self._headline.likely.key)

    def sort_by_section(self, worded: Paragraphs) -> tuple[list[str], list[str], list[str]]:
        """Advice on an examined picture is never the LLM's, and a benign class stated by a caller
        has no sentences, because they call it harmless.
        """
        sections = list[str](), list[str](), list[str]()
        for paragraph in worded:
            announced = any(IN_CASE in item.passages for item in paragraph)
            for index, section in enumerate(sections):
                told = [item for item in paragraph if _find_section(item) == index]
                texts = [item.text for item in told]
                if told and announced:
                    name = self._for_patient(told[0].passages[-1].partition(".")[0])
                    # Joined so that both are left out together if room is short.
                    texts[0] = f"{self._phrases.in_case.format(name=name)} {lower_first(texts[0])}"
                section.extend(texts)
        if not self._facts.examined:
            return sections if self._likely.malignant else ([], [], [])
        return (*sections[:2], [])

    def lead(self, *, for_doctor: bool = False) -> list[str]:
        facts, language = self._facts, self._language
        headline = say_headline(facts, language, for_doctor=for_doctor)
        sent = [] if for_doctor else map(self._say, say_sent(facts))
        doubts = "" if facts.reasons == (Doubt.NOT_SURELY_SKIN,) else say_doubts(facts, language)
        if facts.not_skin:
            return [headline, *sent, *filter(None, [doubts])]
        return [*filter(None, [doubts]), *sent, headline]

    def what_it_is(self) -> list[str]:
        described = self._facts.described
        return [described.sentences[self._language].what_it_is] if described else self.in_short()

    def in_short(self) -> list[str]:
        short = self._facts.likely_in_short
        return [self._say(short)] if short else []

    def why_early(self) -> list[str]:
        """Name the condition unless it is the likely one, and no cancer if nobody is referred."""
        own = not self._facts.examined and self._likely.malignant
        concern = self._likely if own else self._facts.concern
        open_cancer = self._facts.uncertain or is_sent(self._facts.band)
        unnamed = concern.malignant and concern.key != self._likely.key and not open_cancer
        if unnamed or self._facts.not_skin:
            return [self._say(self._table.notices.early)]
        said = concern.sentences[self._language].why_early
        if concern.key in (self._likely.key, NORMAL_SKIN):
            return [said]
        in_case = self._phrases.in_case.format(name=self._for_patient(concern.key))
        return [f"{in_case} {lower_first(said)}"]

    def action(self) -> str:
        return self._facts.band_words(self._language).action

    def urgency_beyond(self) -> list[str]:
        """State the urgency before the description, so that nobody stops reading at "harmless"."""
        return self.near_limit() or [*filter(None, [say_reason(self._facts, self._language)])]

    def near_limit(self) -> list[str]:
        near = set(self._facts.raised_by) == {RaisedBy.NEAR_THRESHOLD}
        raised = self._facts.more_urgent and not is_sent(self._facts.band)
        return [self._phrases.near_limit] if near and raised else []

    def advice(self) -> list[str]:
        """Use the condition's own advice if nothing more serious is open."""
        own = self._likely.sentences[self._language].what_to_do
        if not self._facts.as_urgent:
            return [self.action()]
        return [self.action(), *sentences_of(own)[1:]] if self._likely.malignant else [own]

    def checklist_result(self, *, high: bool = True) -> list[str]:
        """Include a high score only if `high`, because the urgency already asks for the same."""
        score, checklist = self._facts.checklist_score, self._table.checklist
        if score is None or self._facts.told_signs:
            return []
        if score >= checklist.threshold:
            return [self._say(checklist.result.at_or_above)] if high else []
        # A low score would reassure next to advice to see a doctor.
        return [] if is_sent(self._facts.band) else [self._say(checklist.result.below)]

    def confidence(self) -> list[str]:
        facts, phrases, shown = self._facts, self._phrases, self._facts.shown
        if not facts.examined:
            return [self._stated_confidence(self._chance(facts.stated, facts.confidence))]
        if facts.not_skin:
            return []
        alone = self._headline.named
        if facts.place_alone:
            said = phrases.chance_alone.format(
                picture=facts.place_alone,
                name=self._for_patient(alone.key),
                share=self._chance(alone.key, alone.probability),
                joined=self._chance(alone.key, probability_of(shown.ranked, alone.key)),
            )
            return [said, *self._chance_of_cancer()]
        effect = facts.effect and facts.effect.for_patient
        return [
            phrases.estimated.format(names=self._chances(shown.ranked)),
            *([self._say(effect)] if effect else []),
            *self._chance_of_cancer(),
        ]

    def _chances(self, ranked: Sequence[RankedCondition]) -> str:
        keys = dict.fromkeys([self._likely.key, self._headline.named.key])
        named = (entry for entry in ranked if entry.key in keys)
        return ", ".join(
            f"{self._for_patient(entry.key)} ({self._chance(entry.key, entry.probability)})"
            for entry in named
        )

    def _chance_of_cancer(self) -> list[str]:
        """Return nothing if the chance of this cancer was just given."""
        chance = say_chance(
            self._headline.malignant, malignant=True, in_hundreds=self._facts.in_hundreds
        )
        share = self._say(chance)
        named, ranked = self._headline.named.key, self._facts.shown.ranked
        said = self._chance(named, probability_of(ranked, named))
        if named in self._table.malignant_keys and said == share:
            return []
        return [self._phrases.chance_of_cancer.format(share=share)]

    def _stated_confidence(self, share: str) -> str:
        return self._phrases.stated_confidence.format(name=self._name(self._likely), share=share)

    def first_doubt(self) -> list[str]:
        return [self._say(doubt_notice(doubt)) for doubt in self._facts.reasons[:1]]

    def picture_notices(self) -> list[str]:
        facts = self._facts
        if not facts.examined:
            return []
        doubts = [self._say(said) for said in modality_doubts(facts.modality)]
        return doubts if facts.uncertain else [*doubts, say_certainty(facts, self._language)]

    def information_only(self) -> str:
        return self._say(self._table.notices.information_only)

    def notices(self) -> tuple[str, ...]:
        return tuple(self._say(notice) for notice in self._facts.notices)

    def figures(self) -> list[str]:
        facts = self._facts
        if not facts.examined:
            return [self._stated_confidence(self._share(facts.stated, facts.confidence))]
        return self._malignant_score()

    def band(self) -> str:
        label = self._facts.band_words(self._language).doctor_label
        return self._phrases.band.format(label=label, reasons=self._reasons())

    def _malignant_score(self) -> list[str]:
        if self._facts.shown.malignant_score is None or self._headline.says_malignant:
            return []
        ranked = {entry.key for entry in self._facts.ranked}
        malignant = [c for c in self._table.conditions if c.malignant and c.key in ranked]
        added = ", ".join(map(self._name, malignant))
        return [self._phrases.malignant_score.format(names=added, share=self._score())]

    def _reasons(self) -> str:
        """Restated figures are left out, because the rules use the model's own."""
        rules = self._facts.raised_by
        if RaisedBy.PICTURE in rules:
            return self._why_picture()
        return ", ".join(dict.fromkeys(map(self._why, rules)))

    def _why_picture(self) -> str:
        facts, phrases = self._facts, self._phrases
        place, entry = next(
            (place, item) for place, item in enumerate(facts.pictures, 1) if item.band is facts.band
        )
        key, share = entry.heading.key, entry.heading.probability
        if key in self._table.malignant_keys:
            name = self._for_doctor(key)
        else:
            name, share = phrases.any_cancer, entry.malignant or 0
        if facts.restated:
            why = phrases.why_open.format(name=name)
        else:
            said = self._say(say_share(share, malignant=True))
            why = phrases.how_probable.format(name=name, share=said)
        return phrases.why_urgent[RaisedBy.PICTURE].format(picture=place, why=why)

    def _why(self, rule: RaisedBy) -> str:
        phrases, restated = self._phrases, self._facts.restated is not None
        if rule is RaisedBy.MALIGNANT and restated:
            return phrases.why_open.format(name=phrases.any_cancer)
        if rule in phrases.why_urgent:
            return phrases.why_urgent[rule].format(share=self._score())
        facts, key = self._facts, key_asked_by(self._facts, rule) or rule.value
        name = self._for_doctor(key)
        if restated:
            malignant = key in self._table.malignant_keys
            return phrases.why_open.format(name=name) if malignant else name
        examined = facts.examined
        share = probability_of(facts.shown.ranked, key) if examined else facts.confidence
        return f"{name} ({self._share(key, share)})"

    def _say(self, said: LocalizedText) -> str:
        return said.in_language(self._language)

    def _name(self, condition: Condition) -> str:
        return condition.names.in_language(self._language)

    def _for_doctor(self, key: str) -> str:
        return self._say(self._table.notices.headline.names[key].doctor)

    def _for_patient(self, key: str) -> str:
        return self._say(self._table.notices.headline.names[key].patient)

    def _chance(self, key: str, share: float) -> str:
        if not self._facts.examined:
            return self._as_stated()
        malignant = key in self._table.malignant_keys
        return self._say(
            say_chance(share, malignant=malignant, in_hundreds=self._facts.in_hundreds)
        )

    def _share(self, key: str, share: float) -> str:
        if not self._facts.examined:
            return self._as_stated()
        return self._say(say_share_of(key, share))

    def _as_stated(self) -> str:
        return say_stated(self._facts.confidence, self._language)

    def _score(self) -> str:
        return self._say(say_share(self._facts.shown.malignant_score or 0, malignant=True))
