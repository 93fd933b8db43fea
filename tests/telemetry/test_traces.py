"""Traces: every part of a request belongs to it, whichever thread did it, and nothing in them
names a person.
"""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanKind

from skinapi import telemetry, tracing
from skinapi.errors import UnsafeSettings
from skinapi.jobs.job import Job
from skinapi.jobs.queue.job_queue import Jobs
from skinapi.jobs.worker.lane import _run_traced
from skinapi.logs import configure_logs
from skinapi.storage.ports import Blobs, Documents
from skinapi.storage.traced import TracedStore, traced
from skinapi.telemetry import opentelemetry_tracer, start_tracing
from skinapi.telemetry.opentelemetry_tracer import open_tracer, sampler_of
from skinapi.web.monitoring.request_traces import TracedApplication
from tests.prediction.photographer import predicted
from tests.stores.mongod import free_port
from tests.support.backends import PASSWORD, Backend, settings_in
from tests.support.openrouter import KEY, running_openrouter
from tests.telemetry.conftest import Spans

TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-01"
NOT_SAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-00"
# All that a span may say.
ATTRIBUTES = {
    "http.request.method", "http.route", "http.response.status_code", "request_id",
    "db.operation.name", "db.collection.name", "model", "format", "error.type",
    "job.id", "job.attempt", "job.status",
}  # fmt: skip


@pytest.fixture
def traced_backend(spans: Spans, tmp_path: Path) -> Iterator[Backend]:
    backend = Backend(tmp_path)
    spans.clear()
    yield backend
    backend.services.store.close()


def parent_of(span: ReadableSpan, spans: Spans) -> ReadableSpan | None:
    if span.parent is None:
        return None
    (found,) = (each for each in spans.all() if each.context.span_id == span.parent.span_id)
    return found


def ancestors(span: ReadableSpan, spans: Spans) -> list[str]:
    names = []
    while (above := parent_of(span, spans)) is not None:
        names.append(above.name)
        span = above
    return names


def trace_ids(spans: Spans) -> set[str]:
    return {f"{span.context.trace_id:032x}" for span in spans.all()}


def test_every_part_of_a_prediction_belongs_to_its_request(spans: Spans, tmp_path: Path) -> None:
    with running_openrouter() as llm:
        backend = Backend(
            tmp_path,
            openrouter_api_key=KEY,
            openrouter_url=llm.url,
            predict_narrative="llm",
        )
        ada = backend.member(consents={"llm": True})
        spans.clear()
        predicted(ada)
    assert len(trace_ids(spans)) == 1
    root = spans.named("POST /predict")
    assert (root.parent, root.kind) == (None, SpanKind.SERVER)
    assert (root.attributes or {})["http.response.status_code"] == 200
    inside_the_pool = ["classify photo", "POST /predict"]
    assert ancestors(spans.named("decode"), spans) == inside_the_pool
    assert ancestors(spans.named("inference"), spans) == inside_the_pool
    assert ancestors(spans.named("llm call"), spans) == ["write narrative", "POST /predict"]
    assert ancestors(spans.named("insert submissions"), spans)[-1] == "POST /predict"
    backend.services.store.close()


def test_work_in_the_background_belongs_to_a_request_that_has_ended(spans: Spans) -> None:
    trace = tracing.begin("request", kind="server")
    assert trace

    def work() -> None:
        with tracing.span("in the background"):
            pass

    with trace.under_way():
        carried = tracing.carried(work)
    trace.end()
    carried()
    work()  # in no trace
    assert parent_of(spans.named("in the background"), spans) is spans.named("request")


def test_a_report_is_a_part_of_its_request(traced_backend: Backend, spans: Spans) -> None:
    ada = traced_backend.member()
    number = predicted(ada)["id"]
    spans.clear()
    for form in ("pdf", "html"):
        assert ada.call("GET", f"/submissions/{number}/report.{form}").status_code == 200
    rendered = [span for span in spans.all() if span.name == "render report"]
    routes = [f"GET /submissions/<number>/report.{form}" for form in ("pdf", "html")]
    assert [ancestors(span, spans) for span in rendered] == [[route] for route in routes]


def test_spans_name_nobody_and_quote_nothing(traced_backend: Backend, spans: Spans) -> None:
    ada = traced_backend.register("ada@example.org", name="Ada Lovelace")
    admin = traced_backend.admin("root@example.org")
    admin.call("PATCH", "/users/ada@example.org/approve", json={})
    admin.call("GET", "/users?q=Lovelace")
    admin.call("GET", "/users/ada@example.org/nowhere")
    admin.call("POST", "/users/nobody@example.org/reset-password")
    traced_backend.client.post("/login", json={"email": "ada@example.org", "password": "wrong"})
    predicted(traced_backend.log_in("ada@example.org"), filename="Lovelace.jpg")
    traced_backend.client.open("/Lovelace", method="LOVELACE")
    sent = [json.loads(span.to_json() or "") for span in spans.all()]
    assert len(sent) > 50
    said = json.dumps(sent)
    for hidden in ("@example", "%40", "ovelace", "LOVELACE", PASSWORD, ada.token, admin.token):
        assert hidden not in said
    assert {name for span in sent for name in span["attributes"]} <= ATTRIBUTES
    assert not any(event for span in sent for event in span["events"])
    assert "PATCH /users/<email>/approve" in {span["name"] for span in sent}


def test_an_error_is_a_failure_of_the_server_alone(traced_backend: Backend, spans: Spans) -> None:
    traced_backend.client.get("/me")
    assert spans.named("GET /me").status.is_unset
    spans.clear()
    ada = traced_backend.member()
    traced_backend.services.store.close()
    (traced_backend.settings.instance_dir / "skinapi.db").unlink()
    assert ada.call("GET", "/me").status_code == 503
    assert not spans.named("GET /me").status.is_ok
    assert not spans.named("GET /me").status.is_unset
    assert (spans.named("get accounts").attributes or {})["error.type"] == "StoreUnavailable"


def test_probes_are_not_traced(traced_backend: Backend, spans: Spans) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        traced_backend.client.get(path)
    assert spans.all() == ()


def test_the_line_of_a_request_has_its_trace(
    traced_backend: Backend, spans: Spans, capfd: pytest.CaptureFixture[str]
) -> None:
    traced_backend.client.get("/conditions", headers={"X-Request-ID": TRACE_ID})
    (line,) = capfd.readouterr().err.splitlines()
    said = json.loads(line)
    assert trace_ids(spans) == {said["trace_id"]}
    attributes = spans.named("GET /conditions").attributes or {}
    assert attributes["request_id"] == said["request_id"] == TRACE_ID


def test_a_caller_chooses_neither_the_trace_nor_that_there_is_one(
    traced_backend: Backend, spans: Spans
) -> None:
    for sent in (SAMPLED, NOT_SAMPLED):
        traced_backend.client.get("/conditions", headers={"traceparent": sent})
    assert len(spans.all()) == 2
    assert all(span.parent is None for span in spans.all())
    assert TRACE_ID not in trace_ids(spans)


def test_behind_a_gateway_that_is_trusted_its_trace_goes_on(spans: Spans, tmp_path: Path) -> None:
    backend = Backend(tmp_path, trust_traceparent=True)
    for sent in (SAMPLED, NOT_SAMPLED, "00-nonsense"):
        backend.client.get("/conditions", headers={"traceparent": sent})
    first, last = (span for span in spans.all() if span.name == "GET /conditions")
    assert first.parent
    assert (first.context.trace_id, first.parent.span_id) == (int(TRACE_ID, 16), int(SPAN_ID, 16))
    assert last.parent is None
    backend.services.store.close()


@pytest.mark.parametrize(
    ("name", "share", "of_a_root"),
    [
        ("always_on", 0, True),
        ("always_off", 1, False),
        ("traceidratio", 0, False),
        ("parentbased_always_on", 0, True),
        ("parentbased_always_off", 1, False),
        ("parentbased_traceidratio", 1, True),
    ],
)
def test_the_sampler_is_the_settings(
    tmp_path: Path, name: str, share: float, of_a_root: bool
) -> None:
    settings = settings_in(tmp_path, otel_traces_sampler=name, otel_traces_sampler_arg=share)
    decided = sampler_of(settings).should_sample(None, int(TRACE_ID, 16), "any").decision
    assert (decided is Decision.RECORD_AND_SAMPLE) == of_a_root


def test_a_job_goes_on_with_the_trace_of_the_request_that_queued_it(
    traced_backend: Backend, spans: Spans
) -> None:
    ada = traced_backend.member("ada@example.org", role="researcher")
    owner = traced_backend.account(ada.email).id
    job = traced_backend.services.jobs.submit(kind="train", owner=owner, request={})
    assert job.traceparent is None
    ada.call("POST", f"/jobs/{job.id}/cancel")
    spans.clear()
    ada.call("POST", f"/jobs/{job.id}/retry")
    claimed = Jobs(traced_backend.services.store).claim(worker="w", lease=timedelta(seconds=30))
    assert claimed

    class FailedAttempt:
        def run(self) -> str:
            with tracing.span("inside"):
                return "failed"

    _run_traced(FailedAttempt(), claimed)  # type: ignore[arg-type]
    ran = spans.named("job train")
    assert ancestors(ran, spans)[-1] == "POST /jobs/<job_id>/retry"
    assert parent_of(spans.named("inside"), spans) is ran
    facts = {"job.id": job.id, "job.attempt": 1, "job.status": "failed"}
    assert (dict(ran.attributes or {}), ran.kind) == (facts, SpanKind.CONSUMER)
    assert not ran.status.is_unset


def test_a_retry_that_is_not_traced_keeps_no_older_trace(backend: Backend) -> None:
    ada = backend.member("ada@example.org", role="researcher")
    owner = backend.account(ada.email).id
    job = backend.services.jobs.submit(kind="train", owner=owner, request={})
    ada.call("POST", f"/jobs/{job.id}/cancel")
    documents = backend.services.store.collection("jobs")
    documents.update({"id": job.id}, {"$set": {"traceparent": SAMPLED}})
    ada.call("POST", f"/jobs/{job.id}/retry")
    assert Job.model_validate(documents.get(job.id)).traceparent is None


def test_every_call_of_a_traced_store_reaches_the_store(spans: Spans, tmp_path: Path) -> None:
    backend = Backend(tmp_path)
    store = backend.services.store
    assert isinstance(store, TracedStore)
    calls = [name for name in vars(Documents) if not name.startswith("_")]
    trace = tracing.begin("test", kind="server")
    assert trace
    spans.clear()
    with trace.under_way():
        notes = store.collection("notes")
        notes.ensure_index("word", unique=True)
        notes.expire_by("ends_at")
        notes.insert({"id": "a", "word": "one"})
        notes.insert_many([{"id": "b", "word": "two"}, {"id": "c", "word": "two words"}])
        assert notes.get("a") == {"id": "a", "word": "one"}
        found = notes.find({"id": {"$gt": "a"}}, sort="-id", after="c", limit=1, fields=("word",))
        assert found == [{"id": "b", "word": "two"}]
        assert notes.count({"word": "one"}) == 1
        assert notes.count_by("word", {"id": "b"}) == {"two": 1}
        made = notes.update({"id": "d"}, {"$set": {"word": "new"}}, upsert=True)
        assert made == {"id": "d", "word": "new"}
        first = notes.update({}, {"$set": {"seen": 1}}, sort="-id")
        assert first == {"id": "d", "word": "new", "seen": 1}
        assert notes.update_all({"word": "new"}, {"$set": {"seen": 2}}) == 1
        notes.set_each({"d": {"seen": 3}})
        assert notes.delete({"id": "d", "seen": 3}) == 1
        blobs = store.blobs
        key = blobs.put(b"bytes")
        blobs.delete(key)
        blobs.put_as(key, b"bytes")
        assert (blobs.get(key), list(blobs.keys())) == (b"bytes", [key])
        assert store.transaction(lambda: 7) == 7
    made_spans = {span.name for span in spans.all()}
    quiet = {"ensure_index", "expire_by", "keys", "sweep"}
    blob_calls = [name for name in vars(Blobs) if not name.startswith("_")]
    assert made_spans == {
        *(f"{call} notes" for call in calls if call not in quiet),
        *(f"{call} blobs" for call in blob_calls if call not in quiet),
        "transaction",
    }
    store.close()


def test_without_a_collector_nothing_is_in_the_way(
    backend: Backend, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not tracing.is_on()
    assert not isinstance(backend.app.wsgi_app, TracedApplication)
    store = backend.services.store
    assert traced(store) is store
    assert tracing.carried(store.ping) == store.ping
    assert tracing.span("one") is tracing.span("two")
    backend.client.get("/conditions")
    assert "trace_id" not in capfd.readouterr().err


def test_a_collector_that_is_away_is_one_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Although it gets more spans than may wait, of each of which the SDK would warn."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    monkeypatch.setattr(opentelemetry_tracer, "SECONDS_OF_A_SENDING", 0.5)  # it tries once
    configure_logs()
    collector = f"http://127.0.0.1:{free_port()}"
    tracer = open_tracer(settings_in(tmp_path, otel_exporter_otlp_endpoint=collector))
    for _ in range(40):
        tracer.begin("request", kind="server", parent=None).end()
    tracer.stop()
    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "traces_not_sent"


def test_a_missing_library_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, telemetry.ADAPTER)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    settings = settings_in(tmp_path, otel_exporter_otlp_endpoint="http://127.0.0.1:4318")
    with pytest.raises(
        UnsafeSettings, match=r"\(opentelemetry.sdk.trace\): install requirements-traces.txt"
    ):
        start_tracing(settings)
    assert not tracing.is_on()
