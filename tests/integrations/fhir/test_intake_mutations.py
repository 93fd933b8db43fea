"""Bundles that something has damaged: each is taken or refused as a whole, and never fails."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from tests.integrations.fhir import orders
from tests.integrations.test_keys import clinic_wide
from tests.support.backends import Backend
from tests.support.size import size

CASES = size(40, 500)
PHOTO = orders.media()
HOSTILE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e308, 10**30, "", " ", "\ud800", "\0", "é😀", "x" * 5000, "../..", "#"),
    *([], {}, [None], [[]], {"": {}}, "urn:uuid:p", "Patient/1", "http://169.254.169.254/", "%"),
    *("transaction", "Bundle", "ServiceRequest", {"resourceType": "Media"}, "9999-99-99", "AAAA"),
)


def sample(number: int) -> Any:
    """In turn: a transaction, and an order that contains all."""
    order = f"O-{number}"
    photo = copy.deepcopy(PHOTO)
    whole = orders.contained(order, contained=[orders.patient(id="p"), {**photo, "id": "m"}])
    if number % 2 == 0:
        body = orders.transaction(order, bodySite=[{"text": "back"}])
        body["entry"][1]["resource"] = photo
        return body
    return whole


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in it: the container, and the key or index there."""
    keys = (
        list(value)
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    return [one for key in keys for one in ((value, key), *places(value[key]))]


def replace(body: Any, chance: random.Random) -> None:
    holder, key = chance.choice(places(body))
    holder[key] = copy.deepcopy(chance.choice(HOSTILE))


def leave_out(body: Any, chance: random.Random) -> None:
    holder, key = chance.choice(places(body))
    del holder[key]


def exchange(body: Any, chance: random.Random) -> None:
    (one, there), (other, here) = chance.sample(places(body), 2)
    one[there], other[here] = copy.deepcopy(other[here]), copy.deepcopy(one[there])


def repeat(body: Any, chance: random.Random) -> None:
    lists = [holder[key] for holder, key in places(body) if isinstance(holder[key], list)]
    chosen = chance.choice([one for one in lists if one] or [[0]])
    chosen += copy.deepcopy(chosen) * chance.choice((1, 30))


def damage(text: bytes, chance: random.Random) -> bytes:
    """Some bytes of the text."""
    damaged = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(damaged))
        damaged[at : at + chance.choice((0, 1, 1, 50))] = chance.choice(
            (b"", b'"', b"}", b"[", bytes([chance.randrange(256)]))
        )
    end = chance.randrange(len(damaged)) if chance.random() < 0.2 else None
    return bytes(damaged[:end])


CHANGES: tuple[Callable[[Any, random.Random], None], ...] = (
    *(replace, replace, leave_out, exchange, repeat),
)


def mutated(number: int, chance: random.Random) -> tuple[str, bytes]:
    body = sample(number)
    path = "/fhir/ServiceRequest" if body["resourceType"] == "ServiceRequest" else "/fhir"
    if chance.random() < 0.25:
        return path, damage(json.dumps(body).encode(), chance)
    for _ in range(chance.randint(1, 3)):
        chance.choice(CHANGES)(body, chance)
        if not places(body):
            break
    return path, json.dumps(body).encode()


def made(answer: Any) -> list[str]:
    """The statuses of what was made: of the entries of a bundle, or of the answer."""
    body = answer.get_json()
    if body["resourceType"] == "Bundle":
        return [one["response"]["status"] for one in body["entry"]]
    return [answer.status]


def test_a_damaged_bundle_is_taken_or_refused_and_leaves_nothing_behind(backend: Backend) -> None:
    program = clinic_wide(backend, scopes=["fhir"])

    def kept() -> tuple[Any, ...]:
        store, names = backend.services.store, ("accounts", "submissions", "lesions", "outbox")
        held = [store.collection(name).find(fields=("revision",)) for name in names]
        return held, sorted(store.blobs.keys())

    taken = 0
    for number in range(CASES):
        chance = random.Random(number)
        path, text = mutated(number, chance)
        before = kept()
        answer = program.call(
            "POST", path, data=text, headers={"Content-Type": "application/fhir+json"}
        )
        assert answer.status_code < 500, (number, answer.text)
        assert answer.mimetype == "application/fhir+json", number
        created = [one for one in made(answer) if one.startswith("201")]
        assert not [one for one in made(answer) if one.startswith("5")], (number, answer.text)
        if not created:
            assert kept() == before, number
        taken += bool(created)
    stored = backend.stored()
    owners = {one["owner"] for one in stored["submissions"]}
    strangers = [
        one["id"]
        for one in stored["accounts"]
        if one.get("external") and one["id"] not in owners and one["findings"]
    ]
    assert strangers == []
    assert taken < CASES
