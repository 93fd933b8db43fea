"""The use case: make a data set of reviewed findings whose owners consent to it."""

from functools import partial

from skinapi.lab.checks.picture_storage import Provenance
from skinapi.lab.checks.publishing import Publisher
from skinapi.lab.datasets.dataset_versions import DatasetVersion, LabelSource, NewDataset
from skinapi.lab.errors import RefusedDataset
from skinapi.lab.from_reviews.contributed_pictures import ContributedPictures
from skinapi.lab.from_reviews.reviewed_findings import ReviewedFindings
from skinapi.lab.service import DatasetsService


class FromReviewsService:
    def __init__(
        self,
        datasets: DatasetsService,
        publisher: Publisher,
        findings: ReviewedFindings,
        contributed: ContributedPictures,
    ) -> None:
        self._datasets, self._publisher = datasets, publisher
        self._findings, self._contributed = findings, contributed

    def send(self, *, new: NewDataset, labels_from: LabelSource) -> DatasetVersion:
        """Gather the findings, and check and publish them as any data set, beside the requests.

        The same request with the same key gets the data set of the first one. Raises
        IdempotencyKeyReused for another request with that key, and Unavailable.
        """
        publish = partial(self._publish, new=new, labels_from=labels_from)
        return self._datasets.send(new=new, publish=publish)

    def _publish(
        self, dataset: DatasetVersion, *, new: NewDataset, labels_from: LabelSource
    ) -> DatasetVersion:
        gathered = self._findings.gather(labels_from)
        provenance = Provenance(
            gathered.origins,
            {"reviews": gathered.report},
            may_take=self._contributed.hold,
            on_publication=partial(self._contributed.note_publication, dataset.id, new.owner),
        )
        if not gathered.sent:
            raise RefusedDataset(
                "No reviewed finding may be used; the report says why", report=provenance.report
            )
        return self._publisher.publish(dataset, new, gathered.sent, provenance).dataset
