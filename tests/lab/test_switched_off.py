from skinapi.app.integrity_check import check_integrity
from skinapi.app.run_job import list_handlers
from tests.lab.test_from_reviews import CONFIRMED, clinic_of
from tests.support.backends import Backend, Person, erase


def test_copies_of_photos_go_and_no_job_of_the_lab_is_done(backend: Backend) -> None:
    clinic = clinic_of(backend)
    ada, bob, eve = (clinic.patient() for _ in range(3))
    findings = [clinic.finding(each, CONFIRMED) for each in (ada, bob, eve)]
    assert clinic.dataset()["pictures"] == 3
    clinic.await_end_of_check()
    off = Backend(backend.settings.instance_dir, backend.services.store, areas="none")
    there = [Person(off.client, each.token, each.email) for each in (ada, bob)]
    left = off.services.store.collection("images")
    assert off.client.get("/datasets").status_code == 404
    assert there[0].call("PUT", "/me/consents", json={"training": False}).status_code == 200
    assert len(left.find()) == 2
    assert there[1].call("DELETE", f"/submissions/{findings[1]}").status_code == 200
    assert len(left.find()) == 1
    erase(off.services, off.account(eve.email))
    assert left.find() == []
    erase(off.services, off.account(clinic.researcher.email))
    assert off.services.store.collection("datasets").find() == []
    assert list(check_integrity(off.services)) == []
    assert list_handlers(off.settings).keys() == {"person_file"}
