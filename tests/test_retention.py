"""All stored data has a row in docs/security.md that says until when, and is deleted with its
owner.
"""

import pytest

from skinapi.findings.reports.facts import Facts
from skinapi.platform.jobs.job_logs import JobLogs
from tests.findings.prediction.photographer import predicted
from tests.privacy.inventory import BY_COLLECTION, OF_THE_SERVER
from tests.repository.documents import chapter
from tests.support.backends import MAIL, PASSWORD, Backend, Person, erase
from tests.support.openrouter import KEY, OpenRouter

ROWS = {
    "accounts": "account",
    "audit": "audit",
    "break_glass": "emergency access",
    "consents": "consent",
    "datasets": "data set",
    "deliveries": "delivery",
    "erased_ids": "erased ids",
    "erasure_receipts": "receipt of an erasure",
    "erasures": "erasures",
    "failed_items": "failed item",
    "guesses": "wrong passwords and codes",
    "images": "picture of a data set",
    "job_logs": "log of a job",
    "jobs": "job",
    "lesions": "spot",
    "keys": "key",
    "letters": "letter",
    "messages": "message",
    "known_addresses": "known address",
    "narratives": "choice of an LLM",
    "outbox": "notice",
    "oidc_round_trips": "way of a log-in to the clinic's provider and back",
    "password_links": "password link",
    "people_to_reach": "person to be told",
    "person_files": "person's file",
    "reports": "report",
    "reviews": "review",
    "session_keys": "session key",
    "sessions": "session",
    "submissions": "finding",
    "upload_parts": "upload",
    "uploads": "upload",
}
OWN = {"current_password": PASSWORD}
# What only a researcher has: test_datasets.py erases one.
OF_RESEARCHERS = {"datasets", "images", "upload_parts", "uploads"}
# What only an admin opens: privacy/test_break_glass.py erases one.
OF_ADMINS = {"break_glass"}
# Of the clinic's log-in: integrations/oidc/test_log_out.py erases one.
OF_PROVIDERS = {"oidc_round_trips"}
# Where an admin has set an endpoint: notices/test_deliveries.py erases one.
OF_ENDPOINTS = {"deliveries"}
# Of a damaged record: storage/test_failed_items.py has one.
OF_FAILURES = {"failed_items"}
# They name researchers and admins by id, as the audit trail does.
OF_MODELS = {
    "webhooks": "webhook",
    "retention": "retention",
    "retention_pause": "retention",
    "retention_runs": "retention",
    "models": "model version",
    "serving": "model version",
    "shadow_results": "shadow result",
}
# They name who was erased by id; `people_to_reach` as a doctor needs it, for 30 days at most.
OF_THE_ERASED = {"erased_ids", "erasure_receipts", "people_to_reach"}
# Secrets, numbers of the system, and the ids of admins, who leave it before they are erased.
OF_NOBODY = {
    "backups",
    "clock",
    "counters",
    "daily_counts",
    "leases",
    "account_ngrams",
    "finding_counts",
    "migrations",
    "outcome_counts",
    "pseudonym_keys",
    "restores",
    "shadow_counts",
    "store",
    "weekly_counts",
}


@pytest.fixture
def given(llm: OpenRouter) -> dict[str, str]:
    named = {"openrouter_api_key": KEY, "openrouter_url": llm.url, "predict_narrative": "llm"}
    return {**named, **MAIL, "photos": "always"}


def test_every_collection_has_a_row_that_says_until_when() -> None:
    assert BY_COLLECTION.keys() | OF_THE_SERVER == ROWS.keys() | OF_MODELS.keys() | OF_NOBODY
    table = chapter("docs/security.md", "What is stored, and for how long")
    rows = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")}
    assert {*ROWS.values(), *OF_MODELS.values()} <= rows


def test_an_erased_account_is_named_nowhere_but_in_the_trail_and_on_the_list_of_erased_ids(
    backend: Backend,
) -> None:
    doctor = backend.member(role="doctor")
    backend.member("ada@example.org", doctor_id=backend.account(doctor.email).id)
    account = backend.account("ada@example.org")
    ada = backend.log_in("ada@example.org")
    assert ada.call("PUT", "/me/consents", json={"llm": True}).status_code == 200
    spot = ada.call("POST", "/lesions", json={"place": {"site": "back"}}).get_json()["id"]
    number = predicted(ada, lesion=spot, keep_photo="true")["id"]
    job = backend.services.jobs.submit(kind="train", owner=account.id, request={})
    JobLogs(backend.services.store).add(job.id, 1, ["a line"])
    ada.call("GET", f"/submissions/{number}/report.pdf?lang=fr")
    drafted = doctor.call("POST", f"/submissions/{number}/letters", json={"reader": "patient"})
    assert drafted.status_code == 201
    sent = doctor.call("POST", f"/lesions/{spot}/messages", json={"text": "Does it itch?"})
    assert sent.status_code == 201
    said = {"label": "melanoma", "agreement": "agree"}
    assert doctor.call("POST", f"/submissions/{number}/review", json=said).status_code == 201
    submission = backend.services.data.submissions.find_by_number(number)
    assert submission is not None
    backend.services.recovery.hand_link(email=account.email, by="-")
    body = {"name": "mine", "scopes": ["findings:read"], "sessions": True, **OWN}
    key = Person(backend.client, ada.call("POST", "/keys", json=body).get_json()["secret"])
    made = key.call("POST", "/keys/sessions", json={"scope": "findings:read"})
    assert made.status_code == 201
    assert ada.call("POST", "/me/file", json={"current_password": PASSWORD}).status_code == 202
    traces = [
        account.id,
        job.id,
        submission.id,
        Facts.of(submission.finding, submission.context).hash,
    ]
    before = {
        name for name, kept in backend.stored().items() if any(t in str(kept) for t in traces)
    }
    others = OF_ADMINS | OF_RESEARCHERS | OF_ENDPOINTS | OF_PROVIDERS
    others |= OF_THE_ERASED | OF_FAILURES
    assert before == ROWS.keys() - others - {"erasures", "guesses"}
    erase(backend.services, account)
    kept = backend.stored(but=("guesses", "audit", *OF_THE_ERASED))
    parting = [one for one in kept.pop("outbox") if account.id in str(one)]
    assert [one["kind"] for one in parting] == ["erased"]
    assert [one["account"] for one in backend.stored()["people_to_reach"]] == [account.id]
    assert not [trace for trace in traces if trace in str(kept)]
    assert list(backend.services.store.blobs.keys()) == []
