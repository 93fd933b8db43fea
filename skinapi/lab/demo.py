import time

from skinapi.accounts.auth.account import Subject
from skinapi.base.container import Container
from skinapi.lab.datasets.dataset_versions import NewDataset
from skinapi.lab.reviewed_findings import FromReviewsService
from skinapi.lab.service import DatasetsService


def work(container: Container, researcher: Subject) -> None:
    new = NewDataset(
        name="clinic-reviews",
        owner=researcher.id,
        licence="for training at this clinic only",
        source="Spots that a program has drawn",
        labels_from="reviews",
    )
    begun = container.get(FromReviewsService).send(new=new, labels_from="reviews")
    datasets = container.get(DatasetsService)
    while datasets.show(dataset=begun.id, by=researcher).status == "checking":
        time.sleep(0.02)
