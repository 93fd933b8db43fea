"""The routes that compare photos: of two findings of a spot, and of a finding and spots."""

from skinapi.care.comparisons.errors import ComparedWithItself
from skinapi.care.comparisons.schemas import ComparisonQuery, ProposedLesionView, SpotComparison
from skinapi.care.comparisons.service import ComparisonsService
from skinapi.errors import NotFound
from skinapi.web.access import Signed, Subject
from skinapi.web.limits.rate_limits import Rate
from skinapi.web.routing.declaration import Routes

routes: Routes[ComparisonsService] = Routes("comparisons")


@routes.route(
    "GET",
    "/lesions/<lesion>/comparison",
    access=Signed(),
    rate=Rate.READ,
    raises=(NotFound, ComparedWithItself),
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
    return SpotComparison.of(
        compared,
        query.lang or subject.account.language,
        for_doctor=compared.before.owner != subject.id,
    )


@routes.route(
    "GET",
    "/submissions/<number>/lesion-proposals",
    access=Signed(),
    rate=Rate.READ,
    raises=(NotFound,),
)
def propose_lesions(
    comparisons: ComparisonsService, *, number: str, subject: Subject
) -> list[ProposedLesionView]:
    """The caller's spots at the place of a finding of the caller: first those whose newest photo
    fits that of the finding, then the one with the newest finding. Nothing is sorted.
    """
    proposed = comparisons.propose_lesions(number=number, by=subject)
    return [ProposedLesionView.of_proposed(one, subject.account.language) for one in proposed]
