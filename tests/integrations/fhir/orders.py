import base64
from typing import Any

from tests.support.photos import photo_of

Json = dict[str, Any]
JSON = "application/fhir+json"
HOSPITAL, NUMBER = "urn:oid:2.999.1", "PAT-0815"
PLACER = "urn:oid:2.999.2"
PATIENT_URL, MEDIA_URL, REQUEST_URL = (f"urn:uuid:{n}" for n in ("p", "m", "r"))
PHOTO = photo_of("melanoma")


def text_of(photo: bytes) -> str:
    return base64.b64encode(photo).decode()


def patient(number: str = NUMBER, **more: Any) -> Json:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": HOSPITAL, "value": number}],
        "name": [{"family": "Lovelace", "given": ["Augusta"]}],
        "telecom": [{"system": "phone", "value": "+44 20 7946 0018"}],
        "address": [{"line": ["12 St James's Square"], "city": "London"}],
        "gender": "female",
        "birthDate": "1960-12-10",
        **more,
    }


def media(photo: bytes = PHOTO, **more: Any) -> Json:
    return {
        "resourceType": "Media",
        "status": "completed",
        "content": {"contentType": "image/jpeg", "data": text_of(photo)},
        **more,
    }


def request(order: str = "O-1", **more: Any) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": PLACER, "value": order}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": PATIENT_URL},
        "authoredOn": "2026-11-26T10:00:00Z",
        "supportingInfo": [{"reference": MEDIA_URL}],
        **more,
    }


def entry(resource: Json, url: str | None = None, **more: Any) -> Json:
    return {
        **({"fullUrl": url} if url else {}),
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"], **more},
    }


def bundle(*entries: Json, kind: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def transaction(order: str = "O-1", *, number: str = NUMBER, **more: Any) -> Json:
    return bundle(
        entry(patient(number), PATIENT_URL),
        entry(media(), MEDIA_URL),
        entry(request(order, **more), REQUEST_URL),
    )


def contained(order: str = "O-1", *, number: str = NUMBER, **more: Any) -> Json:
    return (
        request(
            order,
            subject={"reference": "#p"},
            supportingInfo=[{"reference": "#m"}],
            contained=[patient(number, id="p"), media(id="m")],
        )
        | more
    )
