from typing import Annotated, Self

from pydantic import Field, StringConstraints

from skinapi.accounts.auth.account import Subject
from skinapi.accounts.auth.email_addresses import LONGEST_TYPED
from skinapi.base.days import say_day
from skinapi.base.errors import (
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    PatientTaken,
)
from skinapi.base.languages import Language
from skinapi.base.pages import Page
from skinapi.care.cases import Case, CasesService, OpinionAsked
from skinapi.care.comparisons import (
    ComparedFindings,
    ComparedWithItself,
    ComparisonsService,
    Size,
)
from skinapi.care.lesion_routes import LanguageQuery, LesionView
from skinapi.care.queue_routes import DOCTORS
from skinapi.care.queue_schemas import CaseView, GivenOpinion, ListedFinding
from skinapi.findings.records.schemas.finding_parts import InstructionView
from skinapi.findings.records.schemas.review import Label, Note
from skinapi.model.bands import is_sent
from skinapi.model.comparison.alignment import Similarity
from skinapi.model.comparison.comparison import (
    Change,
    Measure,
    NotComparable,
    NotMeasured,
    say_change,
    summarise,
)
from skinapi.model.conditions import conditions_table
from skinapi.platform.web.declaration import Authenticated, Routes
from skinapi.platform.web.schemas import Answer, Body, Message, PageQuery

LONGEST_QUESTION = 500


class AskedColleague(Body):
    colleague: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TYPED)] = Field(
        description="the e-mail or the id of another active doctor"
    )
    question: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUESTION)
        ]
        | None
    ) = Field(default=None, description="what the colleague is asked, for that one to read")


class Colleague(Answer):
    id: str = Field(serialization_alias="_id")
    name: str
    email: str


routes: Routes[CasesService] = Routes(access=DOCTORS)


def _shown(case: Case, subject: Subject) -> CaseView:
    finding, owner, doctors, given = case
    return CaseView.from_finding(finding, owner, doctors, subject.id, given=given)


@routes.route("PUT", "/patients/<patient>/doctor", raises=(NotFound, Conflict, PatientTaken))
def take_unassigned_patient(cases: CasesService, *, patient: str, subject: Subject) -> Message:
    """Become the doctor in charge of a patient without one. Of two doctors one does; the other
    reads who (409 `patient_taken`).
    """
    cases.take_patient(patient=patient, by=subject)
    return Message(message="The patient is in your care")


@routes.route("GET", "/submissions/<number>/case", raises=(NotFound, Forbidden))
def show_case(cases: CasesService, *, number: str, subject: Subject) -> CaseView:
    """Which colleague is asked about a finding, and the second opinions that colleagues gave."""
    return _shown(cases.get_case(number=number, by=subject), subject)


@routes.route("GET", "/colleagues")
def list_colleagues(cases: CasesService, *, query: PageQuery, subject: Subject) -> Page[Colleague]:
    """The other active doctors, who can be asked for a second opinion."""
    page = cases.list_colleagues(by=subject, paging=query.paging)
    return page.map(Colleague.from_record)


@routes.route(
    "PUT",
    "/submissions/<number>/second-opinion",
    raises=(NotFound, Forbidden, Conflict, OpinionAsked),
)
def ask_colleague(
    cases: CasesService, *, number: str, body: AskedColleague, subject: Subject
) -> CaseView:
    """Ask a colleague for a second opinion. The colleague sees the finding and those of its spot
    until the question is answered or withdrawn, or the doctor in charge signs a review.
    """
    asked = cases.ask_colleague(
        number=number, colleague=body.colleague, question=body.question, by=subject
    )
    return _shown(asked, subject)


@routes.route("DELETE", "/submissions/<number>/second-opinion", raises=(NotFound, Forbidden))
def withdraw_request(cases: CasesService, *, number: str, subject: Subject) -> Message:
    """Withdraw the question, as the doctor in charge. An opinion that has come no longer waits, and
    stays on the case page.
    """
    cases.withdraw_request(number=number, by=subject)
    return Message(message="The request for a second opinion has ended")


class NewOpinion(Body):
    label: Label | None = Field(default=None, description="what the colleague sees")
    comment: Note


@routes.route(
    "POST",
    "/submissions/<number>/opinion",
    status=201,
    raises=(NotFound, Forbidden, IdempotencyKeyReused),
)
def give_opinion(
    cases: CasesService,
    *,
    number: str,
    body: NewOpinion,
    subject: Subject,
    idempotency_key: str | None,
) -> GivenOpinion:
    """Answer the question, as the colleague who is asked, who no longer sees the finding then. The
    answer is for doctors, on the case page: it states no urgency and orders nothing. A colleague
    who gives no opinion says so in `comment`.
    """
    given = cases.give_opinion(
        number=number, label=body.label, comment=body.comment, by=subject, key=idempotency_key
    )
    return GivenOpinion.from_opinion(given)


WHICH_PICTURE = "which picture was compared, counted from 1; null of a finding on one picture"
Number = Annotated[int, Field(ge=1, lt=10**16)]


class ComparisonQuery(LanguageQuery):
    first: Number
    second: Number


class Placement(Answer):
    """How a browser draws the later photo over the earlier one, as values of CSS: the later photo
    is positioned absolutely in the box of the earlier one, with `left: 50%` and `top: 50%`.
    """

    width: str = Field(description="in percent of the box, which the earlier photo fills")
    transform: str = Field(description="about the middle of the photo, which is the default")

    @classmethod
    def from_similarity(cls, by: Similarity, first: Size, second: Size) -> Self:
        back = by.inverse()
        width, height = (side / min(second) for side in second)
        share = 100 * width * min(first) / first[0]
        across, down = (100 * (back.across / width) - 50, 100 * (back.down / height) - 50)
        return cls(
            width=f"{share:.3f}%",
            transform=f"translate({across:.3f}%, {down:.3f}%) rotate({back.degrees:.3f}deg) "
            f"scale({back.scale:.5f})",
        )


class ChangeView(Answer):
    measure: Measure
    value: float = Field(
        description="from the earlier photo to the later one: the area by a share of what it was, "
        "the mean colour by a distance in CIELAB, the asymmetry on its scale from 0 to 1, the part "
        "of the spot or of the skin beside it that changed most by a distance in CIELAB, which is "
        "negative where it became darker"
    )
    uncertainty: float = Field(description="two photos of an unchanged spot may differ by this")
    beyond_error: bool = Field(description="the change is larger than its uncertainty")
    sentence: str

    @classmethod
    def from_change(cls, change: Change, language: Language) -> Self:
        return cls.from_record(
            change,
            uncertainty=round(change.error, 3),
            beyond_error=change.measurable,
            sentence=say_change(change).in_language(language),
        )


class SpotComparison(Answer):
    before: ListedFinding
    after: ListedFinding
    before_picture: int | None = Field(description=WHICH_PICTURE)
    after_picture: int | None = Field(description=WHICH_PICTURE)
    comparable: bool
    not_comparable: NotComparable | None = Field(description="why not; `summary` says it in words")
    placement: Placement | None = Field(description="null where the photos cannot be compared")
    changes: list[ChangeView] = Field(description="of what could be measured")
    not_measured: NotMeasured | None = Field(
        description="why nothing was measured, or not the area (`no_scale`)"
    )
    part_not_measured: NotMeasured | None = Field(
        description="why it is not known whether a part has changed: `other_colours`, `too_dark`"
    )
    told: str | None = Field(
        description="that the person said that it has changed in size: to be shown first"
    )
    summary: str = Field(description="what has changed, to be shown first, or after `told`")
    instruction: InstructionView = Field(
        description="what is to be done about the spot; a comparison that is read does not change "
        "it: docs/reviews.md"
    )
    decided: str | None = Field(
        description="when a doctor decided what is to be done, and whether both photos were there"
    )
    notices: list[str] = Field(description="to be shown with every comparison")

    @classmethod
    def from_comparison(
        cls, compared: ComparedFindings, language: Language, *, for_doctor: bool
    ) -> Self:
        comparison, notices = compared.comparison, conditions_table().notices
        alignment = comparison.alignment
        counts = compared.instruction.band
        words_of_change = notices.comparison
        sentence = words_of_change.told_doctor if for_doctor else words_of_change.told
        may_miss = words_of_change.may_miss_change if is_sent(counts) else words_of_change.may_miss
        return cls.from_record(
            comparison,
            before=ListedFinding.from_finding(compared.before, language, for_doctor=for_doctor),
            after=ListedFinding.from_finding(compared.after, language, for_doctor=for_doctor),
            before_picture=compared.pictures[0],
            after_picture=compared.pictures[1],
            comparable=comparison.not_comparable is None,
            placement=Placement.from_similarity(
                alignment.similarity, compared.first_size, compared.second_size
            )
            if alignment
            else None,
            changes=[ChangeView.from_change(change, language) for change in comparison.changes],
            summary=" ".join(said.in_language(language) for said in summarise(comparison)),
            instruction=_instruction(compared, language, for_doctor=for_doctor),
            told=sentence.in_language(language) if compared.size_told else None,
            decided=_say_decided(compared, language),
            notices=[said.in_language(language) for said in (notices.information_only, may_miss)],
        )


def _instruction(
    compared: ComparedFindings, language: Language, *, for_doctor: bool
) -> InstructionView:
    """A patient with a measured change is not told that no visit is needed."""
    said, changed = compared.instruction, compared.comparison.has_changed
    view = InstructionView.from_instruction(said, language, for_doctor=for_doctor)
    if for_doctor or view.waits_for or not changed or is_sent(view.band):
        return view
    despite = conditions_table().notices.comparison.despite_change.in_language(language)
    sentence = " ".join([despite, *said.say_wanted(language)])
    return view.model_copy(update={"sentence": sentence})


def _say_decided(compared: ComparedFindings, language: Language) -> str | None:
    counts = compared.instruction
    since = counts.since > compared.after.created_at
    if counts.decision is None or (since and not compared.seen_by(counts)):
        return None
    words = conditions_table().notices.comparison
    sentence = words.decided_with_both if since else words.decided_before
    return sentence.in_language(language).format(date=say_day(counts.since, language))


class ProposedLesionView(LesionView):
    alike: bool = Field(
        description="its newest photo fits that of the finding: a hint, which the person confirms"
    )


comparison_routes: Routes[ComparisonsService] = Routes(access=Authenticated())


@comparison_routes.route(
    "GET", "/lesions/<lesion>/comparison", raises=(NotFound, ComparedWithItself)
)
def compare_findings(
    comparisons: ComparisonsService, *, lesion: str, query: ComparisonQuery, subject: Subject
) -> SpotComparison:
    """What has changed between the photos of two findings of a spot, in the order of time: where
    the later photo lies over the earlier one, and the change in area, colour and asymmetry.

    Photos that cannot be compared are answered too, with the reason. No change is no all-clear.
    """
    compared = comparisons.compare_findings(
        lesion=lesion, numbers=(query.first, query.second), to=subject
    )
    return SpotComparison.from_comparison(
        compared,
        query.lang or subject.account.language,
        for_doctor=compared.before.owner != subject.id,
    )


@comparison_routes.route("GET", "/submissions/<number>/lesion-proposals", raises=(NotFound,))
def propose_lesions(
    comparisons: ComparisonsService, *, number: str, subject: Subject
) -> list[ProposedLesionView]:
    """The caller's spots at the place of a finding of the caller: first those whose newest photo
    fits that of the finding, then the one with the newest finding. Nothing is sorted.
    """
    proposed = comparisons.propose_lesions(number=number, by=subject)
    return [
        ProposedLesionView.from_lesion(item.shown, subject, alike=item.alike) for item in proposed
    ]
