"""What the pages of webhooks and of the audit trail tell to type works as it stands there."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from skinapi.platform.storage.unit_of_work import AuditRow
from tests.integrations.test_webhooks import add, send
from tests.integrations.webhook_receiver import receiving
from tests.repository.documents import Block, blocks
from tests.support.backends import Backend
from tests.support.local_server import serving_here


def block(kind: str) -> Block:
    (found,) = blocks(kind)
    return found


def typed(kind: str, address: str, token: str) -> str:
    """What the command of the page prints."""
    done = subprocess.run(
        ["bash", "-euc", block(kind).text],
        env={**os.environ, "SKINAPI": address, "TOKEN": token},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_sets_a_webhook(backend: Backend) -> None:
    admin = backend.admin()
    with serving_here(backend.app) as address:
        answered = json.loads(typed("bash webhook", address, admin.token))
    assert answered["secret"].startswith("whsec_")
    [listed] = admin.call("GET", "/webhooks").get_json()
    assert listed["events"] == ["finding.stored", "review.signed"]


def test_the_commands_collect_the_audit_trail(backend: Backend) -> None:
    admin = backend.admin()
    for number in range(1100):
        backend.services.data.trail.record(AuditRow("test.act", by="-", target=str(number)))
    told: dict[str, Any] = {}
    exec(block("python audit").text, told)
    with serving_here(backend.app) as address:
        printed = typed("bash audit", address, admin.token).splitlines()
        rows = [*told["collect"](address, admin.token)]
        assert [*told["collect"](address, admin.token, after=rows[-1]["cursor"])] == []
    assert [json.loads(line) for line in printed] == rows[:1000]
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert len(rows) > 1100


@pytest.fixture
def given() -> dict[str, Any]:
    return {"webhook_private_ranges": "127.0.0.0/8"}


def test_the_examples_accept_what_we_sign_and_nothing_else(
    backend: Backend, tmp_path: Path
) -> None:
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
    if shutil.which("node") is None:
        pytest.skip("no node")
    module = tmp_path / "verify.mjs"
    module.write_text(block("js webhook").text)
    for case, right in ((good, True), (forged, False), (old, False)):
        runs = (
            f"import({json.dumps(module.as_uri())}).then(({{ verify }}) => {{"
            f" const given = {json.dumps(case)};"
            " console.log(verify(given.secret, given.body, given.headers).type); })"
        )
        done = subprocess.run(
            ["node", "-e", runs], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.stdout.strip() == "webhook.test") is right, done.stderr
