from functools import partial

from werkzeug.test import TestResponse

from skinapi.app.integrity_check import check_integrity
from skinapi.care.pending_comparisons import PendingComparisons
from skinapi.model.conditions import Band
from tests.care.clinic import file_for, patient_in_care
from tests.care.test_comparisons import grown
from tests.care.test_lesions import begin, course, shown, sort
from tests.findings.prediction.photographer import predicted, send
from tests.findings.records.test_races import Call, overlapped
from tests.support.backends import Backend, Person
from tests.support.reviews import sign_review, spot_version_of
from tests.support.size import size

PAIRS = [
    ("sort into a", "sort into b"),
    ("sort into b", "sort into none"),
    ("sort into b", "delete b"),
    ("delete b", "sort into b"),
    ("delete a", "sort into b"),
    ("file in a", "delete a"),
    ("delete a", "file in a"),
    ("file in a", "file in a"),
    ("rename a", "file in a"),
    ("delete the finding", "sort into b"),
    ("sort into b", "delete the finding"),
    ("delete the account", "begin"),
]


def calls_of(backend: Backend, ada: Person, number: int) -> dict[str, Call]:
    a, b = begin(ada), begin(ada)
    assert sort(ada, number, a).status_code == 200
    predicted(ada, lesion=b)
    root = backend.member(role="admin")
    return {
        "sort into a": partial(sort, ada, number, a),
        "sort into b": partial(sort, ada, number, b),
        "sort into none": partial(sort, ada, number, None),
        "delete a": partial(ada.call, "DELETE", f"/lesions/{a}"),
        "delete b": partial(ada.call, "DELETE", f"/lesions/{b}"),
        "file in a": partial(send, ada, lesion=a),
        "file in b": partial(send, ada, lesion=b),
        "rename a": partial(ada.call, "PATCH", f"/lesions/{a}", json={"name": "the left one"}),
        "delete the finding": partial(ada.call, "DELETE", f"/submissions/{number}"),
        "delete the account": partial(root.call, "DELETE", f"/users/{ada.email}"),
        "begin": partial(ada.call, "POST", "/lesions", json={"place": {"site": "hand"}}),
    }


def test_whatever_two_requests_overlap_no_finding_is_lost_and_no_spot_is_wrong(
    real_backend: Backend,
) -> None:
    services = real_backend.services
    # SQLite runs one transaction after the other.
    for pair in PAIRS[:: 4 if services.store.one_writer else size(4, 1)]:
        ada = real_backend.member()
        number = predicted(ada)["id"]
        calls = calls_of(real_backend, ada, number)
        told = overlapped(*(calls[name] for name in pair))
        assert set(told) <= {200, 201, 401, 404}, pair
        assert [*services.lesions.check_integrity(), *services.findings.check_integrity()] == [], (
            pair
        )
        if "delete the account" not in pair:
            filed = sum(
                "file" in name and said == 200 for name, said in zip(pair, told, strict=True)
            )
            deleted = any("delete" in name for name in pair)
            assert deleted or len(ada.pages("/submissions")) == 2 + filed, pair


def test_of_two_tabs_that_name_where_they_saw_the_finding_one_is_refused(
    real_backend: Backend,
) -> None:
    ada = real_backend.member()
    spots = [begin(ada), begin(ada)]
    made = predicted(ada)
    number, was = made["id"], made["lesion"]
    path = f"/submissions/{number}/lesion"
    told = overlapped(
        *(partial(ada.call, "PUT", path, json={"lesion": spot, "was": was}) for spot in spots)
    )
    assert sorted(told) == [200, 409]
    assert [course(ada, spot) == [number] for spot in spots] == [said == 200 for said in told]
    assert [shown(ada, spot)["findings"] for spot in spots] == [int(said == 200) for said in told]


def test_each_change_of_a_spot_is_a_write_though_it_sets_what_was_there(backend: Backend) -> None:
    ada = backend.member()
    lesion = begin(ada, name="the left one")
    spots = backend.services.store.collection("lesions")
    for revision in (1, 2):
        ada.call("PATCH", f"/lesions/{lesion}", json={"name": "the left one"})
        assert (spots.get(lesion) or {})["revision"] == revision


def test_a_review_covers_what_was_in_its_spot_in_the_order_of_the_two_requests(
    real_backend: Backend,
) -> None:
    doctor, ada = patient_in_care(real_backend)
    a, b = begin(ada), begin(ada)
    grave = file_for(real_backend, ada, Band.URGENT_REFERRAL, lesion=a)
    mild = file_for(real_backend, ada, Band.SELF_MONITORING, lesion=b)
    mole = {"label": "melanocytic_nevus", "spot_version": spot_version_of(doctor, mild.number)}
    told = overlapped(
        partial(sort, ada, grave.number, b), partial(sign_review, doctor, mild.number, mole)
    )
    assert told in ((200, 409), (409, 201))
    stored = real_backend.services.store.collection("submissions").get(grave.id) or {}
    answer = ada.call("GET", f"/submissions/{grave.number}").get_json()["instruction"]
    assert (answer["finding"] == mild.number) == bool(stored.get("covered_by"))
    assert not list(check_integrity(real_backend.services))


def test_two_servers_that_compare_at_once_store_one_change(real_backend: Backend) -> None:
    ada = real_backend.member()
    lesion = begin(ada)
    _, after = grown(real_backend, ada, lesion)
    service = real_backend.services.get(PendingComparisons)
    _, pending = real_backend.services.findings.records.list_uncompared(2)

    def compare_without_lease() -> TestResponse:
        service._compare(pending)
        return ada.call("GET", "/me")

    assert overlapped(compare_without_lease, compare_without_lease) == (200, 200)
    [stored] = real_backend.services.store.collection("submissions").find({"number": after})
    assert len(stored["changes"]) == 1
