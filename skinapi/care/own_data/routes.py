"""The routes by which a person sees, and takes along, what is stored about them."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Self

from flask import Response
from pydantic import Field

from skinapi.auth.routes import show_me
from skinapi.auth.schemas import Me, SessionView
from skinapi.care.lesion_schemas import LesionView
from skinapi.care.message_schemas import MessageView
from skinapi.care.message_service import Told
from skinapi.care.own_data.service import OwnCounts, OwnDataService, OwnFinding
from skinapi.domain.subject import Subject
from skinapi.records.review_schemas import LetterView, ReviewView
from skinapi.records.schemas import SubmissionView
from skinapi.storage.ids import now
from skinapi.web.access import Signed
from skinapi.web.declaration import Routes
from skinapi.web.rate_limits import Rate
from skinapi.web.schemas import Answer

routes: Routes[OwnDataService] = Routes("own data")


class OwnDataSummary(Answer):
    """How much is stored about the caller."""

    since: datetime = Field(description="when the account was registered")
    findings: int
    photos: int = Field(description="kept ones; of several pictures of a finding each")
    spots: int
    letters: int = Field(description="signed ones that the caller may read")
    messages: int = Field(description="of both sides, about these spots")

    @classmethod
    def of(cls, counts: OwnCounts, since: datetime) -> Self:
        return cls(since=since, **asdict(counts))


class OwnMessageView(MessageView):
    lesion: str = Field(description="the spot that it is about")

    @classmethod
    def of_spot(cls, lesion: str, told: Told, *, to: str) -> Self:
        return cls(lesion=lesion, **dict(MessageView.of(*told, to=to)))


class OwnFindingView(SubmissionView):
    reviews: list[ReviewView] = Field(description="in the order in which they were signed")
    letters: list[LetterView] = Field(description="signed ones")
    page: str = Field(description="where the console shows it")
    photos: list[str] = Field(
        description="where the kept photos can be fetched, with a token of the account"
    )
    report_pdf: str = Field(description="where its report can be fetched, likewise")

    @classmethod
    def of_own(cls, found: OwnFinding, owner: Subject, address: str) -> Self:
        submission = found.submission
        path = f"{address}/submissions/{submission.number}"
        several = range(1, len(submission.picture_blobs) + 1)
        one = [f"{path}/photo"] if submission.photo_blob else []
        return cls(
            **dict(SubmissionView.of(submission, owner.account)),
            reviews=[ReviewView.of(review) for review in found.reviews],
            letters=[LetterView.of(letter) for letter in found.letters],
            page=f"{address}/#/finding/{submission.number}",
            photos=[f"{path}/photo?picture={place}" for place in several] or one,
            report_pdf=f"{path}/report.pdf",
        )


class OwnData(Answer):
    """What is stored about the caller, as the console shows it: no password, no token, no secret,
    and of others the names and words alone that the caller reads there.
    """

    made_at: datetime
    account: Me
    sessions: list[SessionView]
    spots: list[LesionView]
    findings: list[OwnFindingView]
    messages: list[OwnMessageView]


@routes.route("GET", "/me/data/summary", access=Signed(), rate=Rate.READ)
def summarise_data(data: OwnDataService, *, subject: Subject) -> OwnDataSummary:
    """How many findings, photos, spots, letters and messages are stored about the caller."""
    return OwnDataSummary.of(data.count(owner=subject.id), subject.account.created_at)


@routes.route("GET", "/me/data", access=Signed(), rate=Rate.RENDERINGS)
def show_data(data: OwnDataService, *, subject: Subject) -> OwnData | Response:
    """All that is stored about the caller, as one file of JSON.

    It is written while it is read. An error on the way breaks the answer off: then it is no JSON.
    """
    me, language = subject, subject.account.language
    lists: dict[str, Iterable[Answer]] = {
        "sessions": (SessionView.of(one, me.session_id) for one in data.walk_sessions(me)),
        "spots": (LesionView.of(one, language, for_doctor=False) for one in data.walk_spots(me)),
        "findings": (
            OwnFindingView.of_own(one, me, data.address) for one in data.walk_findings(me)
        ),
        "messages": (OwnMessageView.of_spot(*one, to=me.id) for one in data.walk_messages(me)),
    }
    answer = Response(_write(show_me(data.auth, subject=me), lists))
    answer.mimetype = "application/json"
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return answer


def _write(account: Me, lists: dict[str, Iterable[Answer]]) -> Iterator[str]:
    """The JSON of an `OwnData`."""
    yield f'{{"made_at": "{now().isoformat()}", "account": {account.model_dump_json(by_alias=True)}'
    for name, items in lists.items():
        yield f', "{name}": ['
        for place, item in enumerate(items):
            yield f"{', ' if place else ''}{item.model_dump_json(by_alias=True)}"
        yield "]"
    yield "}"
