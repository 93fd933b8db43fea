"""A clinic whose photos were judged again, as version 10 of the store leaves it: a finding for each
judgement. The code of that version runs this file itself, with its own tests beside it.

Who asks what is in a file beside the store.
"""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.care.clinic import patient_in_care
from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend, Person
from tests.support.photos import photo_of

AGES = ("45-59", "60-74", "75+")
MELANOMA = {"label": "melanoma", "certainty": "sure", "told_by": "server"}


def judged(ada: Person, times: int, **told: Any) -> list[int]:
    """The numbers of the findings of one photo, which was judged so often."""
    made = predicted(ada, photo_of("melanoma"), keep_photo="true", age_band="30-44", **told)
    numbers = [made["id"]]
    for age in AGES[: times - 1]:
        path = f"/submissions/{numbers[-1]}/facts"
        answer = ada.call("PUT", path, json={"age_band": age})
        assert answer.status_code == 200, answer.text
        numbers.append(answer.get_json()["id"])
    return numbers


def sign(doctor: Person, number: int, said: dict[str, Any]) -> None:
    answer = doctor.call("POST", f"/submissions/{number}/review", json=said)
    assert answer.status_code == 201, answer.text


def write_letter(doctor: Person, number: int) -> str:
    path = f"/submissions/{number}/letters"
    draft = doctor.call("POST", path, json={"reader": "patient"}).get_json()
    body = {name: draft[name] for name in ("text", "version", "decision")}
    signed = doctor.call("POST", f"/letters/{draft['_id']}/sign", json=body)
    assert signed.status_code == 200, signed.text
    letter: str = draft["_id"]
    return letter


def make_clinic(folder: Path) -> dict[str, Any]:
    backend = Backend(folder)
    with closing(backend.services.store):
        doctor, ada = patient_in_care(backend)
        made = ada.call("POST", "/lesions", json={"place": {"site": "back"}})
        spot = made.get_json()["id"]
        in_spot = judged(ada, 1, lesion=spot)
        sign(doctor, in_spot[0], MELANOMA)
        letter = write_letter(doctor, in_spot[0])
        papers = [ada.call("GET", f"/submissions/{in_spot[0]}/report.json").get_json()]
        again = ada.call("PUT", f"/submissions/{in_spot[0]}/facts", json={"age_band": "75+"})
        in_spot.append(again.get_json()["id"])
        papers.append(ada.call("GET", f"/submissions/{in_spot[1]}/report.json").get_json())
        told_twice = judged(ada, 2)
        for number in told_twice:
            sign(doctor, number, {"histology_result": "melanoma", "told_by": "server"})
        without_middle = judged(ada, 3)
        assert ada.call("DELETE", f"/submissions/{without_middle[1]}").status_code == 200
        without_first = judged(ada, 2)
        assert ada.call("DELETE", f"/submissions/{without_first[0]}").status_code == 200
        wrong = judged(ada, 3)
        assert ada.call("DELETE", f"/submissions/{wrong[1]}").status_code == 200
        body = {"reason": "A photo of another patient."}
        gone = doctor.call("POST", f"/submissions/{wrong[0]}/entered-in-error", json=body)
        assert gone.status_code == 200, gone.text
        return {
            "doctor": doctor.email,
            "ada": ada.email,
            "spot": spot,
            "letter": letter,
            "in_spot": in_spot,
            "told_twice": told_twice,
            "wrong": wrong,
            "without_middle": without_middle,
            "without_first": without_first,
            "papers": [paper["verification"]["hash"] for paper in papers],
        }


if __name__ == "__main__":
    there = make_clinic(Path(sys.argv[1]))
    Path(sys.argv[1]).with_suffix(".json").write_text(json.dumps(there))
