from tests.findings.prediction.photographer import predicted
from tests.support.backends import Backend


def test_an_admin_deletes_a_webhook_whose_record_is_damaged(backend: Backend) -> None:
    root, ada = backend.member(role="admin"), backend.member()
    wanted = {"url": "https://old.example/hook", "events": ["finding.stored"], "clinical": True}
    added = root.call("POST", "/webhooks", json=wanted).get_json()
    rows = backend.services.store.collection("webhooks")
    rows.update({"id": added["id"]}, {"$set": {"url": 7}})
    assert predicted(ada)["id"]
    failed = backend.services.data.failed_items
    failed.note_damaged({("webhooks", added["id"]): "ValidationError"})
    path = f"/webhooks/{added['id']}"
    assert root.call("DELETE", path).status_code == 200
    assert root.call("DELETE", path).status_code == 404
    assert backend.stored()["webhooks"] == []
    assert [*failed.walk_all()] == []
