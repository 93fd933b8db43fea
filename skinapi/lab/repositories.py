"""What data sets are stored in, and what each change of them needs."""

from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from skinapi.lab.uploads import Uploads
from skinapi.platform.audit import AuditTrail
from skinapi.platform.storage.ports import Store
from skinapi.platform.storage.unit_of_work import UnitOfWork


class LabRepositories:
    def __init__(self, store: Store, trail: AuditTrail, work: UnitOfWork) -> None:
        self.store, self.trail, self.work = store, trail, work
        self.datasets, self.images = Datasets(store), DatasetImages(store)
        self.uploads = Uploads(store)
