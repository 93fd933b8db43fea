import io

import pytest

from skinapi.integrations.clients import lab
from skinapi.lab.checks import publishing
from tests.integrations.clients.dialects import post_form
from tests.lab.conftest import DecoderHere
from tests.lab.sending import labelled, picture, send, table, tarred, upload, zipped
from tests.lab.test_texts import find_hostile
from tests.support.backends import Backend

ORIGIN = "http://localhost:5173"
UNNAMED = "datasetName: give the data set a name"
FIELDS = {"status", "dataset_name", "dataset_path", "files_saved", "files_extracted", "message"}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    monkeypatch.setattr(publishing, "PictureDecoder", DecoderHere)
    return {"open_lab": True}


@pytest.mark.parametrize("named_by", ["query", "form"])
def test_many_files_are_answered_as_its_client_reads_them(backend: Backend, named_by: str) -> None:
    files = labelled(3)
    data = {"files": [(io.BytesIO(content), name) for name, content in files.items()]}
    path = "/api/upload-dataset"
    if named_by == "query":
        path += "?datasetName=My%20moles"
    answer = backend.client.post(
        path,
        data=data if named_by == "query" else {**data, "datasetName": "My moles"},
        headers={"Origin": ORIGIN},
    )
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body.keys() == FIELDS
    assert (body["status"], body["dataset_name"]) == ("success", "My moles")
    assert body["dataset_path"].startswith("datasets/")
    assert body["files_saved"] == list(files)
    assert body["files_extracted"] == 0
    assert body["message"].startswith("3 pictures published as version 1.")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    listed = backend.client.get("/api/datasets", headers={"Origin": ORIGIN}).get_json()
    assert listed == {
        "datasets": [
            {
                "name": "My moles",
                "path": body["dataset_path"],
                "file_count": 3,
                "files": ["p0.jpg", "p1.jpg", "p2.jpg"],
            }
        ]
    }


def test_an_archive_tells_how_many_files_came_out_of_it(backend: Backend) -> None:
    body = post_form(backend, {"all.tgz": tarred(labelled(7), "w:gz")}).get_json()
    assert body["files_saved"] == ["all.tgz"]
    assert body["files_extracted"] == 8
    assert len(backend.client.get("/api/datasets").get_json()["datasets"][0]["files"]) == 5


def test_the_list_has_the_newest_version_of_each_name(backend: Backend) -> None:
    for count, name in ((2, "ham"), (3, "isic"), (4, "HAM")):
        assert post_form(backend, labelled(count), name).status_code == 200
    listed = backend.client.get("/api/datasets").get_json()["datasets"]
    assert {item["name"]: item["file_count"] for item in listed} == {"HAM": 4, "isic": 3}


def test_pictures_with_unknown_labels_are_left_out_and_the_message_says_so(
    backend: Backend,
) -> None:
    rows = [{"image_id": "p0", "dx": "mel"}, {"image_id": "p1", "dx": "birthmark"}]
    files = {"metadata.csv": table(rows), "p0.jpg": picture(0), "p1.jpg": picture(1)}
    body = post_form(backend, files).get_json()
    assert "Left out, because their labels are not known: 1 (birthmark)." in body["message"]


def test_an_upload_without_a_name_is_called_custom(backend: Backend) -> None:
    data = {"files": [(io.BytesIO(content), name) for name, content in labelled(3).items()]}
    answer = backend.client.post("/api/upload-dataset", data=data)
    assert (answer.status_code, answer.get_json()["dataset_name"]) == (200, "custom")


WRONG: tuple[tuple[dict[str, bytes], str, int, str], ...] = (
    ({"metadata.csv": b"x"}, "ham", 422, "No picture was sent"),
    ({"a.zip": b"no zip"}, "ham", 422, "a.zip is damaged, or no such archive"),
    ({"../a.jpg": picture(0)}, "ham", 422, "../a.jpg: names with .. are refused"),
    ({}, "ham", 400, "No file was sent"),
    *(({"a.jpg": picture(0)}, name, 400, UNNAMED) for name in ("%00", "x" * 101)),
)


def test_what_goes_wrong_is_told_in_a_sentence_and_leaves_nothing(backend: Backend) -> None:
    for files, name, status, says in WRONG:
        answer = post_form(backend, files, name, content_type="multipart/form-data")
        assert answer.status_code == status, answer.text
        assert says in answer.get_json()["detail"]
    assert backend.client.get("/api/datasets").get_json() == {"datasets": []}
    assert backend.services.store.collection("datasets").find() == []
    assert list(backend.services.store.blobs.keys()) == []
    assert not list((backend.settings.instance_dir / "quarantine").glob("*"))


def test_a_name_of_somebody_else_is_refused(backend: Backend) -> None:
    ada, ben = (backend.member(f"{n}@x.example", role="researcher") for n in ("ada", "ben"))
    send(ada, [upload(ada, zipped(labelled(2)))], name="Clinic moles")
    token = {"Authorization": f"Bearer {ben.token}"}
    form = post_form(backend, labelled(2, 20), "clinic moles", headers=token)
    assert (form.status_code, form.get_json()["code"]) == (409, "name_taken")


def test_no_field_takes_what_cannot_be_stored_or_reaches_beyond_its_line(backend: Backend) -> None:
    taken, _ = find_hostile(backend, lab.__name__)
    assert taken == {"UploadForm.datasetName", "NameQuery.datasetName"}
