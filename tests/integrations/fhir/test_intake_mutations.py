"""Bundles that something has damaged: each is taken or refused as a whole, and never fails."""

import copy
import json
import random
from typing import Any

from tests.integrations.fhir import orders
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend
from tests.support.size import size

CASES = size(40, 500)
HOSTILE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, 10**30, "", " ", "\ud800", "\0", "é😀", "x" * 5000, "../..", "#"),
    *([], {}, [None], [[]], {"": {}}, "urn:uuid:p", "Patient/1", "http://169.254.169.254/", "%"),
    *("transaction", "Bundle", "ServiceRequest", {"resourceType": "Media"}, "9999-99-99", "AAAA"),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in it: the container, and the key or index there."""
    keys: list[Any] = []
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def damaged(body: Any, chance: random.Random) -> bytes:
    """With values that are left out or are others; or with other bytes in its text."""
    for _ in range(chance.randint(0, 3)):
        holder, key = chance.choice(places(body))
        if chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(HOSTILE))
        if not places(body):
            break
    text = bytearray(json.dumps(body).encode())
    for _ in range(chance.choice((0, 0, 1, 4))):
        at = chance.randrange(len(text))
        text[at : at + chance.choice((0, 1, 50))] = chance.choice((b"", b'"', b"}", b"[", b"\xff"))
    return bytes(text)


def test_a_damaged_bundle_is_taken_or_refused_and_leaves_nothing_behind(backend: Backend) -> None:
    program = clinic_wide(backend, scopes=["fhir"])

    def kept() -> tuple[Any, ...]:
        store, names = backend.services.store, ("accounts", "submissions", "lesions", "outbox")
        held = [store.collection(name).find(fields=("revision",)) for name in names]
        return held, sorted(store.blobs.keys())

    for number in range(CASES):
        whole = (orders.transaction, orders.contained)[number % 2](f"O-{number}")
        path = "/fhir/ServiceRequest" if number % 2 else "/fhir"
        text, before = damaged(whole, random.Random(number)), kept()
        headers = {"Content-Type": orders.JSON}
        answer = program.call("POST", path, data=text, headers=headers)
        assert answer.status_code < 500, (number, answer.text)
        assert answer.mimetype == orders.JSON, number
        body = answer.get_json()
        made = [answer.status]
        if body["resourceType"] == "Bundle":
            made = [entry["response"]["status"] for entry in body["entry"]]
        if not any(status.startswith("201") for status in made):
            assert kept() == before, number
