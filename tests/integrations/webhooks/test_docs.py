import json
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.integrations.docs_commands import block, typed
from tests.integrations.webhooks.receiver import receiving
from tests.integrations.webhooks.test_sending import add, send
from tests.support.backends import Backend
from tests.support.local_server import serving_here


def test_the_command_sets_a_webhook(backend: Backend) -> None:
    admin = backend.admin()
    with serving_here(backend.app) as address:
        answered = json.loads(typed("bash webhook", address, admin.token))
    assert answered["secret"].startswith("whsec_")
    [listed] = admin.call("GET", "/webhooks").get_json()
    assert listed["events"] == ["finding.stored", "review.signed"]


@pytest.fixture
def given() -> dict[str, Any]:
    return {"webhook_private_ranges": "127.0.0.0/8"}


def test_the_example_accepts_what_we_sign_and_nothing_else(backend: Backend) -> None:
    with receiving() as receiver:
        admin = backend.admin()
        webhook = add(admin, receiver.url)
        admin.call("POST", f"/webhooks/{webhook['id']}/test")
        send(backend)
        [message] = receiver.messages
    good: dict[str, Any] = {
        "secret": webhook["secret"],
        "body": message.body.decode(),
        "headers": dict(message.headers),
    }
    forged = {**good, "body": good["body"].replace("webhook.test", "finding.stored")}
    old = {**good, "headers": {**good["headers"], "webhook-timestamp": "1700000000"}}
    told = dict(good)
    exec(block("python webhook").text, told)
    assert told["event"]["type"] == "webhook.test"
    for wrong in (forged, old):
        with pytest.raises(WebhookVerificationError):
            exec(block("python webhook").text, dict(wrong))
