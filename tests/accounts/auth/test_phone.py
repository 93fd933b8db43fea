import pytest

from tests.care.clinic import URGENT, file_for, patient_in_care
from tests.support.backends import Backend, Person

NUMBER = "+44 (0)20 7946-0018"


def give(person: Person, phone: str | None) -> int:
    return person.call("PATCH", "/me", json={"phone": phone}).status_code


def test_the_owner_gives_and_removes_a_phone_number(shared_backend: Backend) -> None:
    ada = shared_backend.member()
    assert "phone" not in ada.call("GET", "/me").get_json()
    assert give(ada, f" {NUMBER} ") == 200
    assert ada.call("PATCH", "/me", json={"sex": None}).status_code == 200
    assert ada.call("GET", "/me").get_json()["phone"] == NUMBER, "what is left out stays"
    assert give(ada, None) == 200
    assert "phone" not in ada.call("GET", "/me").get_json()


@pytest.mark.parametrize(
    "phone", ["", "12", "+-/ ()", "ext 123", "١٢٣٤", "123\n456", "tel:0123", "1" * 41]
)
def test_what_nobody_can_dial_is_no_phone_number(shared_backend: Backend, phone: str) -> None:
    assert give(shared_backend.member(), phone) == 400


def test_the_doctor_in_charge_reads_it_beside_the_address(shared_backend: Backend) -> None:
    doctor, ada = patient_in_care(shared_backend)
    file_for(shared_backend, ada, URGENT)
    for given in (NUMBER, None):
        assert give(ada, given) == 200
        (listed,) = doctor.call("GET", "/patients").get_json()
        (queued,) = doctor.call("GET", "/queue").get_json()
        assert (listed.get("phone"), queued.get("patient_phone")) == (given, given)
