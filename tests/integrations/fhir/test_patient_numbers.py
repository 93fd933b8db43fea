"""The numbers of orders, where the key of their hashes is lost."""

import json
from pathlib import Path

from skinapi.platform.storage.store_version import accept_key
from tests.integrations.fhir import orders
from tests.integrations.test_keys import made
from tests.integrations.test_patient_numbers import NEXT, add
from tests.integrations.test_patients import program
from tests.support.backends import SECRET, Backend, Person


def test_with_a_lost_key_an_order_is_not_filed_a_second_time(tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    ada = backend.member()
    order = orders.contained(subject={"reference": f"Patient/{backend.account(ada.email).id}"})
    order["contained"] = [orders.media(id="m")]
    person, path = made(ada, scopes=["fhir"])[0], "/fhir/ServiceRequest"
    told = {"data": json.dumps(order), "content_type": orders.JSON}
    assert person.call("POST", path, **told).status_code == 201
    add(backend.services, program(backend))
    accept_key(backend.services.store, secrets=[NEXT])
    later = Backend(tmp_path, backend.services.store, jwt_secret_key=NEXT)
    refused = Person(later.client, person.token).call("POST", path, **told)
    assert (refused.status_code, "--give-up-numbers" in refused.text) == (503, True)
    found = Backend(
        tmp_path, backend.services.store, jwt_secret_key=NEXT, former_jwt_secret_keys=SECRET
    )
    assert Person(found.client, person.token).call("POST", path, **told).status_code == 200
