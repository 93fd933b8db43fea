from pathlib import Path

from skinapi.lab.datasets.dataset_images import DatasetImages
from skinapi.lab.datasets.dataset_versions import Datasets
from tests.console.test_lab import SAME, add_version
from tests.lab.sending import picture, publish_one
from tests.served.people import Caller, Seeder


def make(seeder: Seeder, owner: Caller, folder: Path, name: str) -> tuple[str, str]:
    store = seeder.services.store
    image = publish_one(
        Datasets(store), DatasetImages(store), picture(3), owner=owner.id, name=name
    )
    return image.dataset, add_version(seeder, folder, SAME)
