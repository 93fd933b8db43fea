from typing import Any

from tests.lab.test_from_reviews import Clinic
from tests.support.backends import Backend, Person


def show(backend: Backend, doctor: Person) -> list[Any]:
    clinic = Clinic(backend, doctor, backend.member(role="researcher"))
    dataset = clinic.dataset()
    assert dataset["pictures"] == 1
    return [clinic.images(dataset), dataset]
