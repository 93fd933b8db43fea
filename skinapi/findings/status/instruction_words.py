from collections.abc import Mapping

from skinapi.base.days import say_day, say_due
from skinapi.base.languages import Language, LocalizedText
from skinapi.findings.status.decisions import Decision
from skinapi.findings.status.spot import LevelSource
from skinapi.findings.status.spot_view import FoundChange, Instruction, JudgedPhoto
from skinapi.model.bands import is_sent, urgency
from skinapi.model.comparison.comparison import say_change
from skinapi.model.conditions import Band, BandWords, conditions_table


def say_to_do(instruction: Instruction, language: Language) -> str:
    words = instruction.words(language)
    steps = [
        *instruction.say_wanted(language),
        words.next_step,
        *say_due(instruction.due, language),
    ]
    return f"{words.label}. {' '.join(steps)}"


def say_source(
    instruction: Instruction, number: int | None, language: Language, *, named: bool
) -> str:
    """Pass `named` if the doctor's name for the spot precedes the sentence."""

    notices = conditions_table().notices.decision
    if instruction.taken_back_at:
        return instruction.say_why(language)
    if instruction.said_by is LevelSource.COMPARISON:
        said = notices.compared
    elif named:
        said = notices.counts_here
    elif instruction.finding == number:
        return instruction.say_why(language)
    else:
        said = notices.said_of_deleted if instruction.photo_deleted else notices.said_elsewhere
    day = say_day(instruction.since, language)
    return said.in_language(language).format(number=instruction.finding, date=day)


def say_found(change: FoundChange) -> LocalizedText:
    words = conditions_table().notices.comparison
    said = [say_change(item) for item in change.measured.changes]
    return LocalizedText.joined(" ", said or [words.beyond_error])


def say_compared(change: FoundChange) -> LocalizedText:
    words = conditions_table().notices.comparison

    def earlier(before: JudgedPhoto, language: Language) -> str:
        day = say_day(before.created_at, language)
        return words.earlier.in_language(language).format(number=before.number, day=day)

    def say(language: Language) -> str:
        other = words.earlier_elsewhere.in_language(language)
        return words.compared.in_language(language).format(
            number=change.after.number,
            date=say_day(change.measured.measured_at, language),
            earlier=earlier(change.before, language) if change.before else other,
        )

    return LocalizedText.by(say)


def say_more_urgent(
    own: BandWords, band: Band, instruction: Instruction, language: Language
) -> BandWords:
    """Use the words of the instruction if it is more urgent: older clients read only `action`."""
    if urgency(instruction.band) >= urgency(band):
        return own
    words = instruction.words(language)
    action = " ".join((f"{words.label}.", words.next_step, *say_due(instruction.due, language)))
    return words.model_copy(update={"action": action})


def say_graver(
    instruction: Instruction, decision: Decision | None, band: Band, language: Language
) -> str | None:
    """Name a more urgent condition for clients that do not show decisions."""
    by = instruction.decision or decision
    if by is None or by.label is None or not by.more_urgent_than(band):
        return None
    sentence = conditions_table().notices.graver_review.in_language(language)
    return sentence.format(name=by.name(language))


def put_first(
    sections: Mapping[str, str],
    band: Band,
    language: Language,
    *,
    instruction: Instruction,
    decision: Decision | None,
    number: int | None,
) -> dict[str, str]:
    """Put the instruction and the review first, for clients that show only the narrative."""
    own = instruction.is_answer_about(number, band)
    if own and instruction.is_said_by(decision, number, band):
        return {**sections}
    words, by = conditions_table().notices.decision, instruction.decision
    current = decision is not None and decision.instructs
    head, about = instruction.words(language).label, None if current or by is None else by.number
    if by:
        head = by.heading(language, for_doctor=True, dated=True, about=about)
    source = say_source(instruction, number, language, named=by is not None)
    said = [source] if source and not current else []
    if not said and decision:
        said = [f"{sentence}." for sentence in decision.signed_before(language)]
    early = sections["importance_of_early_detection"]
    if not own:
        # The text about a benign condition calls it harmless.
        names = by and (by.names_cancer or (by.replaces(band) and not is_sent(instruction.band)))
        early = by.say_early(language) if by and names else words.ask_a_doctor.in_language(language)
    overview = words.overview.in_language(language).format(heading=head)
    return {
        **sections,
        "overview": " ".join((overview, *said)),
        "recommendation": " ".join((say_to_do(instruction, language), *said)),
        "importance_of_early_detection": early,
    }
