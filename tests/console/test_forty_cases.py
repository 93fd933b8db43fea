"""How many keys a doctor's cases take, and how long the machine takes from a key to the next case.

The drill works through forty cases and prints a table; otherwise one of each kind is counted. What
a doctor takes to look and to think is not in it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from time import perf_counter

import pytest
from selenium.webdriver.common.keys import Keys

from tests.console.test_spots import begin, send
from tests.console.test_workspace import DESK, HASH, opened
from tests.console.visitor import Visitor
from tests.served.people import Caller, Seeder
from tests.support.size import drill

# Each key, and what is there once the page has taken it.
TELLS = ("v", "[value=server]:checked:focus")
AGREE = (("a", "[value=agree]:checked:focus"), TELLS)
OTHER = (("d", "[value=disagree]:checked:focus"), ("2", "[name=label]:checked"), TELLS)
PHOTO = (("p", "[name=picture]:checked:focus"),)
KINDS = {
    "agree": AGREE,
    "another label": OTHER,
    "another photo": PHOTO,
    "letter": AGREE,
}
CASES = 40 if drill else 4
# Each names a cancer but for the photo: one key more than of what is harmless says who tells.
MOST_KEYS = {
    "agree": 3,
    "another label": 4,
    "another photo": 2,
    "letter": 6,
}


@pytest.fixture
def doctor(seeder: Seeder) -> Caller:
    """With so many cases, of patients with four findings each."""
    doctor = seeder.person("doctor")
    for _ in range(CASES // 4 + 1):
        patient = seeder.person()
        seeder.services.decisions.assign_doctor(
            email=patient.email, doctor=doctor.email, by="admin"
        )
        assert patient.call("PUT", "/me/consents", json={"photos": True}).status == 200
        spot = begin(patient, {"site": "back"})
        for _ in range(4):
            send(patient, "melanoma", lesion=spot)
    return doctor


def test_keys_and_seconds_of_a_doctors_cases(visitor: Visitor, doctor: Caller) -> None:
    visitor.look(DESK)
    visitor.enter(doctor, "doctor")
    visitor.find(".finding-row.current")
    visitor.keys("o")
    number = opened(visitor)
    seconds: dict[str, list[float]] = defaultdict(list)
    for _, kind in zip(range(CASES), turns(), strict=False):
        keys, took, number = work(visitor, kind, number)
        assert keys == MOST_KEYS[kind]
        seconds[kind].append(took)
    visitor.assert_quiet()
    sys.stdout.write(table(seconds))


def turns() -> Iterator[str]:
    while True:
        yield from KINDS


def work(visitor: Visitor, kind: str, number: int) -> tuple[int, float, int]:
    """Review the case that is open; how many keys that took, the seconds from the last key until
    the next case was there with its photo, and which one that is.
    """
    for key, there in KINDS[kind]:
        visitor.keys(key)
        visitor.find(there)
    keys = len(KINDS[kind]) + 1
    if kind == "letter":
        visitor.find("[value=server]:focus").send_keys(Keys.SHIFT, Keys.ENTER)
        visitor.find(".next-case:focus")
        visitor.keys("l")
        letter = visitor.find("[name=letter]:focus")
        visitor.await_truth(lambda: visitor.count(".decided, .verdict.second") > 0, "the decision")
        letter.send_keys(Keys.CONTROL, Keys.ENTER)
        visitor.find(".letter-text")
        keys += 2
    begun = perf_counter()
    visitor.keys("j" if kind == "letter" else Keys.ENTER)
    keys += kind == "letter"
    visitor.await_truth(lambda: f"case/{number}" not in visitor.run(HASH), "the next case")
    following = opened(visitor)
    return keys, perf_counter() - begun, following


def table(seconds: dict[str, list[float]]) -> str:
    lines = [f"{'':16}{'cases':>6}{'keys':>6}{'median s':>10}{'longest s':>11}"]
    for kind, taken in seconds.items():
        median = sorted(taken)[len(taken) // 2]
        lines.append(f"{kind:16}{len(taken):6}{MOST_KEYS[kind]:6}{median:10.2f}{max(taken):11.2f}")
    everything = [one for taken in seconds.values() for one in taken]
    lines.append(f"{'all':16}{len(everything):6}{'':6}{sum(everything):10.2f} s together")
    return "\n" + "\n".join(lines) + "\n"
