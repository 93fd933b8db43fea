import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skinapi.findings.records.photos import LOST as PHOTO_LOST
from skinapi.platform.storage.files import FileBlobs
from skinapi.platform.stores.mongo_store import GridBlobs
from tests.findings.prediction.photographer import listed, predicted, send
from tests.support.backends import Backend, Person, erase, unavailable
from tests.support.photos import UNCERTAIN, photo_in, photo_of

NOT_YOURS = "Not found or unauthorized"


def test_a_list_holds_only_own_findings_oldest_first(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    made = [predicted(ada, photo_of(key)) for key in ("melanoma", "dermatofibroma")]
    predicted(bob)
    assert ada.call("GET", "/submissions").get_json() == [*map(listed, made)]
    assert [made[0]["id"] + 1] == [made[1]["id"]]
    alone = ada.call("GET", f"/submissions/{made[0]['id']}").get_json()
    assert alone["instruction"]["band"] == made[0]["band"]
    assert alone.pop("model")["state"] == "in_service"
    assert alone == made[0]
    assert len(ada.pages("/submissions?limit=1")) == 2


def test_a_list_has_what_the_angular_app_reads_and_what_must_be_said_beside_it(
    backend: Backend,
) -> None:
    ada = backend.member()
    body = predicted(ada, photo_in(UNCERTAIN), keep_photo="true", language="fr")
    [shown] = ada.call("GET", "/submissions").get_json()
    contract = {"_id", "id", "user_name", "user_email", "class", "confidence", "report", "time"}
    beside = {"band", "band_label", "action", "notice", "uncertain", "reasons"}
    beside |= {"lesion", "decision", "graver_review", "instruction", "headline"}
    assert shown.keys() == contract | beside | {
        "language",
        "photo_kept",
        "model_version",
        "narrative",
    }
    assert shown == {name: body[name] for name in shown}
    assert (shown["uncertain"], shown["photo_kept"]) == (True, True)


def test_a_finding_is_deleted_by_its_owner_alone(backend: Backend) -> None:
    ada, bob = backend.member(), backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    refused = bob.call("DELETE", f"/submissions/{number}")
    assert (refused.status_code, refused.get_json()["error"]) == (404, NOT_YOURS)
    done = ada.call("DELETE", f"/submissions/{number}")
    assert done.get_json()["message"] == f"Submission {number} deleted"
    assert ada.call("DELETE", f"/submissions/{number}").status_code == 404
    assert list(backend.services.store.blobs.keys()) == []
    assert predicted(ada)["id"] > number


def test_the_doctor_in_charge_sees_what_its_owner_sees(backend: Backend) -> None:
    doctor, other = backend.member(role="doctor"), backend.member(role="doctor")
    ada = backend.member(doctor_id=backend.account(doctor.email).id)
    number = predicted(ada, keep_photo="true")["id"]
    seen = doctor.call("GET", f"/submissions/{number}").get_json()
    assert seen.pop("patient_id") == backend.account(ada.email).id
    assert seen.pop("spot_version") == 1
    own = ada.call("GET", f"/submissions/{number}").get_json()
    assert own.pop("will_look")["by"] == "doctor"
    told = [item.pop("instruction") for item in (seen, own)]  # in a doctor's words, and a patient's
    assert [item["action"] for item in told] == ["Urgent referral", "See a doctor this week"]
    said = seen["headline"].pop("doctor")
    assert said["en"].startswith("Most likely melanoma (")
    assert seen == own
    assert doctor.call("DELETE", f"/submissions/{number}").status_code == 404
    backend.edit(ada.email, doctor_id=backend.account(other.email).id)
    assert doctor.call("GET", f"/submissions/{number}").status_code == 404


@pytest.mark.parametrize(
    ("policy", "consents", "keep_photo", "kept"),
    [
        ("never", {"photos": True}, "true", False),
        ("always", {"photos": False}, "false", True),
        ("consent", {}, None, False),
        ("consent", {}, "true", True),
        ("consent", {"photos": True}, None, True),
        ("consent", {"photos": True}, "false", False),
    ],
)
def test_a_photo_is_kept_only_where_policy_and_consent_say_so(
    tmp_path: Path, policy: str, consents: dict[str, bool], keep_photo: str | None, kept: bool
) -> None:
    backend = Backend(tmp_path, photos=policy)
    ada = backend.member(consents=consents)
    texts: dict[str, Any] = {"keep_photo": keep_photo} if keep_photo else {}
    body = predicted(ada, **texts)
    assert body["photo_kept"] is kept
    assert len(list(backend.services.store.blobs.keys())) == kept
    answer = ada.call("GET", f"/submissions/{body['id']}/photo")
    assert answer.status_code == (200 if kept else 404)
    if not kept:
        assert answer.get_json()["error"] == "The photo of this submission was not kept"
    backend.services.store.close()


def test_a_photo_is_shown_without_metadata(ada: Person) -> None:
    sent = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a name that must not be kept"
    Image.open(io.BytesIO(photo_of("melanoma"))).save(sent, "JPEG", exif=exif)
    number = predicted(ada, sent.getvalue(), keep_photo="true")["id"]
    answer = ada.call("GET", f"/submissions/{number}/photo")
    assert answer.mimetype == "image/jpeg"
    assert Image.open(io.BytesIO(answer.data)).size == (300, 225)
    assert b"a name" not in answer.data


def test_an_account_erased_while_its_photo_is_judged_leaves_nothing(backend: Backend) -> None:
    ada = backend.member()
    account = backend.account(ada.email)
    take = backend.services.findings.records.take_number

    def erase_first() -> int:
        erase(backend.services, account)
        return take()

    backend.services.findings.records.take_number = erase_first  # type: ignore[method-assign]
    assert send(ada, keep_photo="true").status_code == 401
    assert backend.stored().get("submissions", []) == []
    assert list(backend.services.store.blobs.keys()) == []


def test_a_kept_photo_whose_file_is_lost_is_not_called_not_kept(backend: Backend) -> None:
    ada = backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    [key] = backend.services.store.blobs.keys()
    [file] = backend.settings.instance_dir.rglob(key)
    file.unlink()
    answer = ada.call("GET", f"/submissions/{number}/photo")
    assert (answer.status_code, answer.get_json()["detail"]) == (404, PHOTO_LOST)


def lose(patch: pytest.MonkeyPatch) -> None:
    """The disk with the files is unavailable."""

    for blobs in (FileBlobs, GridBlobs):
        patch.setattr(blobs, "delete", unavailable)


def files(backend: Backend) -> list[str]:
    return list(backend.services.store.blobs.keys())


def noted(backend: Backend) -> int:
    return backend.services.store.collection("erasures").count()


def patient_with_files(backend: Backend) -> tuple[Person, int]:
    ada = backend.member()
    number = predicted(ada, keep_photo="true")["id"]
    for path in ("thumbnail", "report.pdf"):
        assert ada.call("GET", f"/submissions/{number}/{path}").status_code == 200
    return ada, number


def test_files_of_a_deleted_finding_go_when_the_disk_is_back(backend: Backend) -> None:
    ada, number = patient_with_files(backend)
    assert len(files(backend)) == 3
    with pytest.MonkeyPatch.context() as patch:
        lose(patch)
        assert ada.call("DELETE", f"/submissions/{number}").status_code == 200
    assert ada.call("GET", f"/submissions/{number}").status_code == 404
    assert (len(files(backend)), noted(backend)) == (3, 3)
    backend.app.background.run("erased-files")
    assert (files(backend), noted(backend)) == ([], 0)
