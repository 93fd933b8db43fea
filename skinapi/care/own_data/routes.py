"""The route by which a person sees how much is stored about them. All of it, as a file:
privacy/person_file.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import Field

from skinapi.care.own_data.service import OwnCounts, OwnDataService
from skinapi.domain.subject import Subject
from skinapi.web.access import Signed
from skinapi.web.declaration import Routes
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


@routes.route("GET", "/me/data/summary", access=Signed())
def summarise_data(data: OwnDataService, *, subject: Subject) -> OwnDataSummary:
    """How many findings, photos, spots, letters and messages are stored about the caller."""
    return OwnDataSummary.of(data.count(owner=subject.id), subject.account.created_at)
