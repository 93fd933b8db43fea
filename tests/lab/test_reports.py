import io
from collections.abc import Mapping
from typing import Any

import pytest
from PIL import Image

from skinapi.lab.checks import publishing
from skinapi.lab.datasets.learned_pictures import LearnedPictures
from tests.lab.sending import labelled, picture, send, table, tarred, upload, zipped
from tests.support.backends import Backend, Person, erase


@pytest.fixture(scope="module")
def backend(shared_backend: Backend) -> Backend:
    return shared_backend


@pytest.fixture(scope="module")
def person(backend: Backend) -> Person:
    return backend.member(role="researcher")


def checked(person: Person, files: Mapping[str, bytes], **said: Any) -> dict[str, Any]:
    return send(person, [upload(person, zipped(files))], **said)


def rows(*written: tuple[str, str], **more: list[str]) -> bytes:
    return table(
        {"image_id": name, "dx": label, **{key: each[at] for key, each in more.items()}}
        for at, (name, label) in enumerate(written)
    )


@pytest.mark.parametrize(
    "files",
    [
        {"metadata.csv": b"image_id,image_path,label\nx,pictures/x.jpg,melanoma\n",
         "pictures/x.jpg": picture(0)},
        {"HAM10000_metadata.csv": b"lesion_id,image_id,dx,dx_type\nl1,x,mel,histo\n",
         "part_1/x.jpg": picture(0)},
        {"truth.csv": b"\xef\xbb\xbfimage,MEL,NV,BCC\nx,1.0,0.0,0.0\n", "x.jpg": picture(0)},
        {"melanoma/x.jpg": picture(0)},
        {"top/data/mel/x.jpg": picture(0), "top/data/nv/y.jpg": picture(1)},
        {"melanoma/皮膚の写真.jpg": picture(0)},
        {"other.csv": b"a,b\n", "deep/metadata.csv": b"image_id,label\nx,mel\n",
         "x.jpg": picture(0)},
    ],
    ids=["paths", "HAM10000", "ISIC", "folders", "deep folders", "other scripts", "two tables"],
)  # fmt: skip
def test_each_known_layout_is_read(person: Person, files: dict[str, bytes]) -> None:
    dataset = checked(person, files, name="layouts")
    assert dataset["status"] == "published", dataset["problem"]
    assert dataset["counts"]["melanoma"] == 1
    names = [image["name"] for image in person.pages(f"/datasets/{dataset['id']}/images")]
    assert set(names) == {name for name in files if name.endswith("jpg")}


def test_unknown_labels_are_refused_with_an_offer_that_can_be_sent_back(person: Person) -> None:
    files = {
        "metadata.csv": rows(("p0", "melanomaa"), ("p1", "nv"), ("p2", "blob")),
        **{f"p{number}.jpg": picture(number) for number in range(3)},
    }
    identifier = upload(person, zipped(files))
    refused = send(person, [identifier], name="labels")
    assert (refused["status"], refused["problem_code"]) == ("refused", "unknown_labels")
    assert refused["report"]["unknown_labels"] == [
        {"label": "melanomaa", "count": 1, "offered": "melanoma"},
        {"label": "blob", "count": 1, "offered": None},
    ]
    assert refused["uploads"] == [identifier], "what can be sent again"
    said = {"melanomaa": "mel", "blob": None}
    mapped = send(person, [identifier], name="labels", labels=said)
    assert mapped["counts"] == {"melanocytic_nevus": 1, "melanoma": 1}
    wrong = send(person, [upload(person, zipped(files))], name="labels", labels={"blob": "tumour"})
    assert "choose among" in wrong["problem"]


def test_a_label_of_a_group_is_refused_with_the_conditions_that_it_may_mean(person: Person) -> None:
    files = {
        "metadata.csv": rows(("p0", "mel"), ("p1", "benign")),
        **{f"p{number}.jpg": picture(number) for number in range(2)},
    }
    identifier = upload(person, zipped(files))
    refused = send(person, [identifier], name="groups")
    assert "benign names a group of them" in refused["problem"]
    assert "melanocytic_nevus" in refused["problem"]
    mapped = send(person, [identifier], name="groups", labels={"benign": "nv"})
    assert mapped["counts"] == {"melanocytic_nevus": 1, "melanoma": 1}


def test_what_is_not_published_is_listed_for_its_owner_and_for_admins_alone(
    backend: Backend, person: Person
) -> None:
    refused = send(person, [upload(person, b"no archive", "a.zip")], name="broken")
    other, admin = backend.member(role="researcher"), backend.member(role="admin")

    def listed(caller: Person) -> list[str]:
        return [item["id"] for item in caller.pages("/datasets?status=refused&limit=1")]

    assert refused["id"] in listed(person)
    assert refused["id"] in listed(admin)
    assert listed(other) == []
    assert refused["id"] not in [item["id"] for item in person.pages("/datasets")]


def test_duplicates_are_found_within_and_in_other_data_sets(person: Person) -> None:
    again = io.BytesIO()
    Image.open(io.BytesIO(picture(50))).resize((400, 360)).save(again, "JPEG", quality=70)
    files = {
        "metadata.csv": rows(
            ("a", "mel"), ("b", "nv"), ("c", "mel"), ("d", "mel"), ("e", "bkl"), ("f", "nv")
        ),
        "a.jpg": picture(50),
        "b.jpg": again.getvalue(),
        "c.jpg": picture(51),
        "d.jpg": picture(51),
        "e.jpg": picture(52),
        "f.jpg": picture(52),
    }
    first = checked(person, files, name="first")
    found = first["report"]["duplicates"]
    assert found["exact"]["shown"] == [["c.jpg", "d.jpg"]]
    assert found["contradicting"]["shown"] == [["e.jpg", "f.jpg"]]
    assert first["pictures"] == 3
    other = {"metadata.csv": rows(("x", "mel"), ("y", "nv")), "x.jpg": picture(51),
             "y.jpg": again.getvalue()}  # fmt: skip
    elsewhere = checked(person, other, name="second")["report"]["elsewhere"]
    assert elsewhere["same"]["count"] == 2
    other_set = {"dataset": first["id"], "dataset_name": "first"}
    assert sorted(elsewhere["same"]["shown"], key=lambda item: str(item["name"])) == [
        {"name": "x.jpg", **other_set}, {"name": "y.jpg", **other_set}
    ]  # fmt: skip
    assert checked(person, files, name="First")["version"] == 2


def test_a_report_keeps_no_text_of_another_data_set(backend: Backend) -> None:
    anna, ben = (backend.member(f"{n}@x.example", role="researcher") for n in ("anna", "ben"))
    names = [f"mueller_{number}" for number in range(4)]
    files = {
        "metadata.csv": rows(
            *((name, ("mel", "nv")[place % 2]) for place, name in enumerate(names))
        ),
        **{f"{name}.jpg": picture(700 + place) for place, name in enumerate(names)},
    }
    first = checked(anna, files, name="ward 3, Mrs Mueller")
    found = checked(ben, labelled(4, 700), name="mine")
    said = ben.call("GET", f"/datasets/{found['id']}").text
    assert "ward 3, Mrs Mueller" in said
    assert "mueller_" not in said
    erase(backend.services, backend.account("anna@x.example"))
    answer = ben.call("GET", f"/datasets/{found['id']}")
    assert answer.get_json()["report"]["elsewhere"]["same"]["count"] == 4
    assert {
        item["dataset"] for item in answer.get_json()["report"]["elsewhere"]["same"]["shown"]
    } == {first["id"]}
    assert "mueller" not in answer.text.lower()
    assert "mueller" not in str(backend.stored(but=("audit",))).lower()


def test_names_in_reports_of_earlier_versions_are_not_shown(backend: Backend) -> None:
    person = backend.member(role="researcher")
    found = checked(person, labelled(2))
    old = {"name": "p0.jpg", "dataset": "ward 4", "other": "p9.jpg"}
    report = {**found["report"], "elsewhere": {"same": {"count": 1, "shown": [old]}}}
    datasets = backend.services.store.collection("datasets")
    assert datasets.update({"id": found["id"]}, {"$set": {"report": report}})
    shown = person.call("GET", f"/datasets/{found['id']}").get_json()["report"]["elsewhere"]
    assert shown["same"]["shown"] == [{"name": "p0.jpg", "dataset": None, "dataset_name": None}]


def test_lesions_and_patients_with_several_labels_are_named(person: Person) -> None:
    files = {
        "metadata.csv": rows(
            ("p0", "mel"), ("p1", "nv"), ("p2", "nv"),
            lesion_id=["l1", "l1", "l2"], patient_id=["a", "a", ""],
            modality=["dermoscopic", "clinical", "x-ray"],
        ),
        **{f"p{number}.jpg": picture(number) for number in range(3)},
    }  # fmt: skip
    report = checked(person, files, name="groups")["report"]
    assert report["lesions"]["with_several_labels"]["shown"] == [
        {"lesion": "l1", "labels": ["melanocytic_nevus", "melanoma"]}
    ]
    assert report["patients"] == {
        "count": 1,
        "pictures_without": 0,
        "largest": 2,
        "with_several_labels": {
            "count": 1,
            "shown": [{"patient": "a", "labels": ["melanocytic_nevus", "melanoma"]}],
        },
    }
    assert report["modalities"] == {"clinical": 1, "dermoscopic": 1}
    assert report["unreadable"]["shown"][0]["name"] == "p2.jpg"


def test_what_cannot_be_used_is_listed_with_its_reason(person: Person) -> None:
    files = {
        "metadata.csv": rows(("p0", "mel"), ("p1", "nv"), ("gone", "nv"), ("p0", "nv")),
        "p0.jpg": picture(0),
        "p1.jpg": b"\xff\xd8\xff no picture",
        "extra.jpg": picture(3),
        "notes.txt": b"x",
        ".hidden/p9.jpg": b"x",
        "__MACOSX/._p0.jpg": b"x",
        "inner.zip": zipped({"a.jpg": b"x"}),
    }
    report = checked(person, files, name="faults")["report"]
    assert report["unreadable"]["shown"][0]["name"] == "p1.jpg"
    assert report["missing"]["shown"] == ["gone"]
    assert report["without_label"]["shown"] == ["extra.jpg"]
    assert report["named_twice"]["shown"] == ["p0"]
    assert sum(report["skipped_files"].values()) == 4
    assert "1 pictures could not be read." in report["warnings"]


def test_pictures_of_the_model_in_service_are_named_by_their_part(
    backend: Backend, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = LearnedPictures("m-1", {"p0": "train", "p1": "test"})
    monkeypatch.setattr(publishing, "learned_by_serving", lambda _: learned)
    report = checked(person, labelled(3), name="seen")["report"]
    assert report["seen_by_model"]["model"] == "m-1"
    assert report["seen_by_model"]["train"]["shown"] == ["p0.jpg"]
    assert report["seen_by_model"]["test"]["shown"] == ["p1.jpg"]
    assert any("test part of the model" in said for said in report["warnings"])


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"metadata.csv": rows(("p0", "mel"))}, "No picture was sent"),
        ({"a.jpg": picture(0)}, "Nothing says what the pictures show"),
        ({"metadata.csv": b"name,colour\n", "a.jpg": picture(0)}, "needs the columns"),
        ({"metadata.csv": b"", "a.jpg": picture(0)}, "needs the columns"),
        ({"metadata.csv": b"\xff\xfe\x00", "a.jpg": picture(0)}, "cannot be read as a table"),
        ({"metadata.csv": b'image_id,dx\n"a', "a.jpg": picture(0)}, "cannot be read as a table"),
        ({"a.csv": b"x\n", "b.csv": b"y\n", "c.jpg": picture(0)}, "Several tables"),
        ({"metadata.csv": b"a," * 300, "a.jpg": picture(0)}, "200 columns"),
        ({"metadata.csv": rows(("a", "mel")), "a.jpg": b"x"}, "No picture of the data set can be"),
    ],
)
def test_what_is_no_data_set_is_refused_with_the_reason(
    backend: Backend, person: Person, files: dict[str, bytes], says: str
) -> None:
    before = set(backend.services.store.blobs.keys())
    identifier = upload(person, tarred(files, "w:gz"), "all.tgz")
    refused = send(person, [identifier], name="bad")
    assert refused["status"] == "refused"
    assert says in refused["problem"]
    person.call("DELETE", f"/uploads/{identifier}")
    # The remains of an earlier upload may be deleted meanwhile.
    assert set(backend.services.store.blobs.keys()) <= before
    other = backend.member(role="researcher")
    assert other.call("GET", f"/datasets/{refused['id']}").status_code == 404
    assert "bad" not in [item["name"] for item in person.pages("/datasets")]
