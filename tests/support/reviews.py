from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from skinapi.model.conditions import Band, conditions_table

Answer_co = TypeVar("Answer_co", covariant=True)


class Signer(Protocol[Answer_co]):
    def call(self, method: str, path: str, **options: Any) -> Answer_co: ...


def review_of(said: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The body of a review. With a label the doctor is sure, and asks for its own urgency; without
    a label, for the mildest. What it makes milder is confirmed.
    """
    body = {"confirm_milder": True, **(said or {}), **more}
    label = body.get("label")
    if label is None:
        return {"urgency": Band.SELF_MONITORING, **body, "certainty": None}
    if "urgency" not in body:
        body["urgency"] = conditions_table().label(label).urgency
    return {"certainty": "sure", **body}


def sign_review(
    doctor: Signer[Answer_co], number: object, said: Mapping[str, Any] | None = None, **more: Any
) -> Answer_co:
    """Sign a review of the spot of this finding, by default of its current version."""
    body = review_of(said, **more)
    if "spot_version" not in body:
        body["spot_version"] = spot_version_of(doctor, number)
    return doctor.call("POST", f"/submissions/{number}/review", json=body)


def mark_told(doctor: Signer[Answer_co], lesion: str, number: object) -> Answer_co:
    seen = {"spot_version": spot_version_of(doctor, number)}
    return doctor.call("POST", f"/lesions/{lesion}/told", json=seen)


def signed_review(
    doctor: Signer[Any], number: object, said: Mapping[str, Any] | None = None, **more: Any
) -> Any:
    answer = sign_review(doctor, number, said, **more)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def spot_version_of(doctor: Signer[Any], number: object) -> int:
    """Return the version of the spot of this finding, or 0 for a caller who may not review it."""
    version: int = (doctor.call("GET", f"/submissions/{number}").json or {}).get("spot_version", 0)
    return version
