"""Selects the passages that explain a finding. What to do by when is shown separately."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skinapi.base.languages import LANGUAGES, Language, LocalizedText
from skinapi.base.stored_record import StoredRecord
from skinapi.findings.reports.facts import Facts, say_reason, summarise
from skinapi.findings.status.decisions import Decision
from skinapi.model.bands import is_sent
from skinapi.model.conditions import NORMAL_SKIN, Condition, conditions_table
from skinapi.model.finding import Doubt
from skinapi.model.headline import probability_of, say_chance
from skinapi.model.passages import Passage, PassageReader, passages_table

# For a condition other than the likely one, only these topics are explained.
OF_ANOTHER = frozenset({"what", "bowen", "same", "early", "late", "weak", "exam", "management"})
# These topics no longer apply after a laboratory result: appearance, course without treatment, what
# is done on suspicion.
BEFORE_A_RESULT = frozenset({"look", "begins", "late", "apart", "exam", "clinical"})
OF_A_SUSPICION = frozenset({"melanoma.management", "actinic_keratosis.management"})
BOWEN = "bowens_disease"
IN_CASE = "finding.in_case"  # the id of the words before what is only open
# A patient reads at most 250 words, including the first ones; a decision may need a few more. In a
# longer explanation, these topics are dropped in order, counted in the longer language. `another.…`
# is a condition that is only open.
MOST_WORDS, MOST_WORDS_IN_ALL = 195, 250
OF_DAY, OF_CHECKLIST = 8, 24  # words beside them: until when, and what the answers come to
LEFT_OUT_FIRST = [
    "joined", "others", "crop", "many", "begins", "family", "again", "sun", "apart", "small",
    "where", "look", "cure", "weak", "vessels", "figure", "heat_map", "cancer", "cancer_with",
    "by_picture", "estimate", "estimate_two", "pictures_disagree", "unlike_training", "too_close",
    "another.exam", "another.what", "exam", "treat",
]  # fmt: skip


class WordedSentence(StoredRecord):
    """`passages` are the ids of those that it says: one, or two neighbours."""

    text: str
    passages: tuple[str, ...]


Paragraphs = tuple[tuple[WordedSentence, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`first` follows from entered facts: it precedes the others and is never sent to an LLM."""

    groups: tuple[tuple[Passage, ...], ...] = ()
    first: tuple[Passage, ...] = ()

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(passage for group in self.groups for passage in group)

    def as_written(self, language: Language) -> Paragraphs:
        return self.around(
            tuple(write_passages(group, language) for group in self.groups), language
        )

    def around(self, told: Paragraphs, language: Language) -> Paragraphs:
        return tuple(filter(None, (write_passages(self.first, language), *told)))


def write_passages(group: Sequence[Passage], language: Language) -> tuple[WordedSentence, ...]:
    return tuple(
        WordedSentence(text=passage.in_language(language), passages=(passage.id,))
        for passage in group
    )


def plan_explanation(
    facts: Facts,
    reader: PassageReader,
    *,
    decision: Decision | None = None,
    elsewhere: bool = False,
) -> Plan:
    """Pass `elsewhere` if the instruction comes from another finding, whose page explains it."""
    if elsewhere or (decision is not None and decision.unjudged):
        return Plan()
    if not facts.examined:
        return _plan_stated(facts, reader)
    if decision is not None and decision.replaces(facts.band):
        return _of_decision(decision, reader)
    if facts.not_skin:  # no condition is told of it but a doctor's
        by_doctor = reader == "patient" and _names_bowen(facts, decision, ())
        doubt = _general(Doubt.NOT_SURELY_SKIN)
        return Plan(groups=((doubt,), (_bowen(),)) if by_doctor else ((doubt,),))
    likely, concern = facts.described, _find_open_cancer(facts)
    if likely and decision and decision.waits_for and not likely.malignant:
        likely = None
    groups, in_case = list[list[Passage]](), None
    if likely:
        groups += _split_treatment(_told_of(likely.key, reader))
    if concern and concern != likely:
        told = _told_of(concern.key, reader)
        if concern.key != facts.headline.likely.key:
            name = conditions_table().notices.headline.names[concern.key].patient
            in_case = passages_table().of_finding("in_case", about=concern.key, name=name)
            told = [in_case, *(item for item in told if _topic(item) in OF_ANOTHER)]
        groups.append(told)
    # Conditions that are only open come last.
    groups.insert(0 if in_case and not likely else len(groups), [*_explain_figures(facts, reader)])
    if reader == "patient" and _names_bowen(facts, decision, groups):
        groups.insert(len(groups) - 1, [_bowen()])
    signs = [*_of_signs(facts)] if reader == "patient" else []
    first, *groups = _shorten([signs, *groups], facts)
    # Drop an introduction that introduces nothing.
    groups = [group for group in groups if group not in ([], [in_case])]
    return Plan(groups=tuple(map(tuple, groups)), first=tuple(first))


def _plan_stated(facts: Facts, reader: PassageReader) -> Plan:
    if facts.stated == NORMAL_SKIN:  # its text speaks of the picture
        return Plan()
    told = _split_treatment(_told_of(facts.stated, reader))
    return Plan((*map(tuple, told), (_general("not_examined"),)))


def _shorten(groups: list[list[Passage]], facts: Facts) -> list[list[Passage]]:
    sent = is_sent(facts.band)
    beside = OF_DAY + (0 if sent else OF_CHECKLIST)
    steps = "first_step" if sent else "action"
    first = ((summarise(facts, item), facts.band_words(item)) for item in LANGUAGES)
    above = (
        f"{said.to_do} {said.likely} {getattr(band, steps)} {say_reason(facts, language)}"
        for language, (said, band) in zip(LANGUAGES, first, strict=True)
    )
    room = MOST_WORDS_IN_ALL - beside - max(len(text.split()) for text in above)
    for topic in LEFT_OUT_FIRST:
        told = [passage for group in groups for passage in group]
        words = (
            sum(len(item.in_language(spoken).split()) for item in told) for spoken in LANGUAGES
        )
        if max(words) <= min(MOST_WORDS, room):
            break
        groups = [[item for item in group if topic not in _topics(item, group)] for group in groups]
    return groups


def _topics(passage: Passage, group: Sequence[Passage]) -> tuple[str, ...]:
    topic = _topic(passage)
    return (topic, f"another.{topic}") if group[0].id == IN_CASE else (topic,)


def _find_open_cancer(facts: Facts) -> Condition | None:
    concern = facts.concern
    is_open = facts.uncertain or is_sent(facts.band)
    return concern if concern.malignant and is_open else None


def _names_bowen(
    facts: Facts, decision: Decision | None, groups: Sequence[Sequence[Passage]]
) -> bool:
    """Bowen's disease is explained by the passage on actinic keratosis, if that is shown."""
    told = [passage for group in groups for passage in group]
    if _bowen().id in [passage.id for passage in told]:
        return False
    name = conditions_table().notices.headline.names["actinic_keratosis"].patient.en
    said = (summarise(facts, "en").likely, say_reason(facts, "en"), *(item.en for item in told))
    by_doctor = decision is not None and decision.label in (BOWEN, "actinic_keratosis")
    return by_doctor or any(name in sentence for sentence in said)


def _bowen() -> Passage:
    return passages_table().by_id("actinic_keratosis.bowen").model_copy(update={"needs": None})


def _of_decision(decision: Decision, reader: PassageReader) -> Plan:
    if decision.label == BOWEN:  # no condition of the model
        return Plan(((_bowen(),),)) if reader == "patient" else Plan()
    decided = conditions_table().label(decision.label or "")
    raised = decision.more_urgent_than(decided.urgency) or decision.waits_for is not None
    if decided.told_as is None or (raised and not decided.malignant):
        return Plan()
    told = _told_of(decided.told_as, reader, proven=decided.malignant and decision.proven)
    chosen = {item.id for item in told if _topic(item) not in decided.not_told}
    told = [item for item in told if {item.id, item.needs or item.id} <= chosen]
    return Plan(tuple(map(tuple, _split_treatment(told))))


def _told_of(condition: str, reader: PassageReader, *, proven: bool = False) -> list[Passage]:
    told = passages_table().list_about(condition, reader)
    if not proven:
        return [item for item in told if _topic(item) != "proven"]
    not_now = {*OF_A_SUSPICION, *(item.id for item in told if _topic(item) in BEFORE_A_RESULT)}
    return [item for item in told if item.id not in not_now]


def _topic(passage: Passage) -> str:
    return passage.id.partition(".")[2]


def _split_treatment(told: Sequence[Passage]) -> list[list[Passage]]:
    later = {"exam", "treat", "others", "management", "proven"}
    first = [item for item in told if _topic(item) not in later]
    return [first, [item for item in told if _topic(item) in later]]


def _explain_figures(facts: Facts, reader: PassageReader) -> Iterator[Passage]:
    for doubt in facts.reasons:
        yield _general(doubt)
    if reader == "patient":
        figures = [*_figures(facts)]
        yield from figures
        if figures:  # "The figure" is the first of these.
            yield _general("figure").model_copy(update={"needs": figures[0].id})
    if facts.pictures:
        yield _general("joined")
    yield _general("heat_map" if reader == "patient" else "heat_map_clinical")


def _of_signs(facts: Facts) -> Iterator[Passage]:
    if facts.context.checklist:
        yield _general("signs")
        if facts.headline.likely.key == "melanocytic_nevus" and not facts.described:
            yield passages_table().by_id("melanocytic_nevus.late")


def _general(topic: str) -> Passage:
    return passages_table().by_id(f"general.{topic}")


def _figures(facts: Facts) -> Iterator[Passage]:
    table, headline = conditions_table(), facts.headline
    names = {key: words.of_patient for key, words in table.notices.headline.names.items()}

    def chance(share: float, *, malignant: bool) -> LocalizedText:
        return say_chance(share, malignant=malignant, in_hundreds=facts.in_hundreds)

    said = dict[str, LocalizedText]()
    # The effect of entered facts precedes the probability of the likely condition.
    told_first = facts.effect and facts.effect.for_patient
    keys = dict.fromkeys([headline.likely.key, headline.named.key])
    for key in [key for key in keys if not (told_first and key == headline.likely.key)]:
        share = probability_of(facts.shown.ranked, key)
        said[key] = chance(share, malignant=key in table.malignant_keys)
    match [*said]:
        case [key]:
            yield passages_table().of_finding("estimate", name=names[key], share=said[key])
        case [key, second]:
            yield passages_table().of_finding(
                "estimate_two",
                name=names[key],
                share=said[key],
                second_name=names[second],
                second_share=said[second],
            )
    if place := facts.place_alone:
        yield passages_table().of_finding(
            "by_picture",
            picture=LocalizedText.by(lambda _: str(place)),
            name=names[headline.named.key],
            share=chance(headline.named.probability, malignant=True),
        )
    cancer = chance(headline.malignant, malignant=True)
    part = [key for key in said if key in table.malignant_keys]
    if cancer in [said[key] for key in part]:
        return
    if part:
        yield passages_table().of_finding("cancer_with", share=cancer, name=names[part[0]])
    else:
        yield passages_table().of_finding("cancer", share=cancer)
