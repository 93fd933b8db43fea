"""Every query that the application sends, with sample values. tests/storage/test_queries.py has
both stores explain each; a test that sees another query fails, and so does a call that is not here.

To add a query: its sender, its collection, its method, the filter and the other arguments as the
code gives them. If a store then scans or sorts, it is the index that is missing, not the exemption.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from skinapi.storage.validation import literal
from tests.queries import Query

ID, OTHER = "0" * 31 + "1", "0" * 31 + "2"
HASH = "a" * 64
PAGE = {"limit": 101}
NEXT_PAGE = {"limit": 101, "after": ID}
LAST = {"sort": "-sequence", "limit": 1}
TRAIL_PAGE = {"sort": "-sequence", "limit": 101}
OPS = {"ops": {"$set": {"touched": True}}}
CHECK = "`check` reads all of it"
FEW_ALIKE = "an index finds them; the few that are alike are sorted in no time"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def _of(sender: str, *asked: tuple[Any, ...], exempt: str = "") -> list[Query]:
    return [replace(Query(sender, *each), exempt=exempt) for each in asked]


TRAIL: list[Query] = [
    Query("audit.py AuditTrail.page", "audit", "find", {**who, **what, **before}, TRAIL_PAGE)
    for who in ({}, {"by": ID}, {"target": ID})
    for what in ({}, {"action": "account.approve"})
    for before in ({}, {"sequence": {"$lt": 20}})
]
ROLE = {"role": "user"}
ACCOUNT_PAGES: list[Query] = [
    Query(sender, "accounts", "find", {**ROLE, **status, **text}, page)
    for sender, text in (
        ("auth/accounts.py Accounts.page", {}),
        ("auth/account_search.py AccountSearch._among_all", {"search": literal("ada")}),
        ("auth/account_search.py AccountSearch._listed", {}),
    )
    for status in ({}, {"status": "waiting"})
    for page in (PAGE, NEXT_PAGE)
]
ACCOUNT_SEARCH: list[Query] = [
    *ACCOUNT_PAGES,
    *_of(
        "auth/account_search.py AccountSearch.find",
        ("accounts", "find", {"ngrams": None}, {"limit": 1}),
    ),
    *_of(
        "auth/account_search.py AccountSearch._matching",
        ("accounts", "find", {"id": {"$in": [ID, OTHER]}, "search": literal("lovelace")}),
    ),
    *_of(
        "auth/ngrams.py NgramIndex.with_ngram",
        ("account_ngrams", "find", {"id": {"$gt": "lovel" + ID, "$lt": "lovem"}}, PAGE),
    ),
    *_of(
        "auth/ngrams.py NgramIndex.with_beginning",
        ("account_ngrams", "find", {"id": {"$gt": "lov", "$lt": "low"}}, PAGE),
    ),
    *_of(
        "auth/ngrams.py NgramIndex.remove",
        ("account_ngrams", "delete", {"id": {"$in": [ID, OTHER]}}),
    ),
    *_of(
        "auth/ngrams.py NgramIndex._missing",
        ("account_ngrams", "find", {"id": {"$in": [ID, OTHER]}}),
    ),
    *_of(
        "auth/ngrams.py NgramIndex._unexpected",
        ("account_ngrams", "find", {"id": {"$in": [ID, OTHER]}}),
    ),
    *_of(
        "auth/ngrams.py NgramIndex._clear",
        ("account_ngrams", "delete", {"id": {"$in": [ID, OTHER]}}),
    ),
    *_of(
        "auth/ngrams.py NgramIndex._walk",
        ("account_ngrams", "find", {}, PAGE),
        ("account_ngrams", "find", {}, NEXT_PAGE),
    ),
]
QUEUE_PAGE = {"sort": "queue_key", "limit": 101}
QUEUES: list[Query] = [
    Query(
        "records/submissions.py Submissions.by_urgency",
        "submissions",
        "find",
        {**whose, "queue_key": {"$gt": "0", "$lt": "1"}},
        QUEUE_PAGE,
    )
    for whose in ({"doctor": ID}, {"owner": ID})
]
LEARNING: list[Query] = _of(
    "records/submissions.py Submissions.by_learning",
    (
        "submissions",
        "find",
        {"doctor": ID, "learning_key": {"$gt": "0", "$lt": "1"}},
        {"sort": "learning_key", "limit": 101},
    ),
)
BANDS: list[Query] = [
    Query(
        "lab/images.py DatasetImages.in_near_bands",
        "images",
        "find",
        {field: {"$in": ["0000", "0001"]}},
        {"limit": 2000},
        exempt=FEW_ALIKE,
    )
    for field in ("band_a", "band_b", "band_c", "band_d")
]
JOB, JOB_KEY = "0badc0de", "0000000001-" + ID
JOB_PAGE = {"sort": "-place", "limit": 101}
JOBS: list[Query] = [
    *(
        Query("jobs/queue.py Jobs.find", "jobs", "find", {**whose, **before}, JOB_PAGE)
        for whose in ({}, {"owner": ID})
        for before in ({}, {"place": {"$lt": OTHER}})
    ),
    *_of(
        "jobs/queue.py Jobs.added_before",
        ("jobs", "find", {"owner": ID, "idempotency_key": "k"}, {"limit": 1}),
    ),
    *_of(
        "jobs/queue.py Jobs.cancel",
        ("jobs", "update", {"id": JOB, "status": "queued"}, OPS),
        ("jobs", "update", {"id": JOB, "status": "running"}, OPS),
    ),
    *_of(
        "jobs/queue.py Jobs.count_unfinished",
        ("jobs", "count", {"status": "queued"}),
        ("jobs", "count", {"status": "running"}),
        ("jobs", "count", {"status": "running", "lease_ends_at": {"$lt": MOMENT}}),
    ),
    *_of(
        "jobs/queue.py Jobs.next_waits",
        ("jobs", "find", {"status": "queued"}, {"sort": "queue_key", "limit": 1}),
    ),
    *_of(
        "jobs/queue.py Jobs.unfinished_requests",
        ("jobs", "find", {"status": "queued"}, {"sort": "queue_key"}),
        ("jobs", "find", {"status": "running"}, {"sort": "queue_key"}),
    ),
    *_of(
        "jobs/queue.py Jobs.retry",
        ("jobs", "update", {"id": JOB, "status": {"$in": ["failed", "cancelled"]}}, OPS),
    ),
    *_of(
        "jobs/queue.py Jobs.claim",
        ("jobs", "find", {"status": "queued"}, {"sort": "queue_key", "limit": 100}),
        (
            "jobs",
            "find",
            {"status": "queued", "short": True},
            {"sort": "queue_key", "limit": 100},
        ),
        ("jobs", "update", {"id": JOB, "status": "queued", "queue_key": JOB_KEY}, OPS),
    ),
    *_of("jobs/queue.py Jobs._as_holder", ("jobs", "update", {"id": JOB, "token": HASH}, OPS)),
    *_of(
        "jobs/queue.py Jobs.take_back",
        (
            "jobs",
            "find",
            {"status": "running", "lease_ends_at": {"$lt": MOMENT}},
            {"sort": "lease_ends_at", "limit": 100},
        ),
    ),
    *_of(
        "jobs/queue.py Jobs._shorten_leases",
        (
            "jobs",
            "find",
            {"status": "running", "lease_ends_at": {"$gt": MOMENT}},
            {"sort": "lease_ends_at", "limit": 100},
        ),
        ("jobs", "update", {"id": JOB, "lease_ends_at": {"$gt": MOMENT}}, OPS),
    ),
    *_of(
        "jobs/queue.py Jobs.sweep",
        (
            "jobs",
            "find",
            {"completed_at": {"$lt": MOMENT}},
            {"sort": "completed_at", "limit": 100},
        ),
        (
            "jobs",
            "find",
            {"completed_at": {"$gt": MOMENT}},
            {"sort": "completed_at", "limit": 100},
        ),
        ("jobs", "update", {"id": JOB, "completed_at": {"$gt": MOMENT}}, OPS),
    ),
    *_of(
        "jobs/queue.py Jobs.forget",
        ("jobs", "find", {"owner": ID}, {"sort": "-place", "limit": 100}),
    ),
    *_of(
        "jobs/queue.py Jobs.faults",
        ("jobs", "count_by", {}, {"field": "owner"}),
        exempt=CHECK,
    ),
    *_of(
        "jobs/places.py Places.take",
        ("jobs", "find", {"owner": ID, "slot": {"$gte": 0}}, {"sort": "slot"}),
        exempt="slots of an owner are unique, so there are no equal ones to sort",
    ),
    *_of(
        "jobs/places.py Places._round_of",
        ("jobs", "find", {"status": "running"}, {"sort": "-queue_key", "limit": 1}),
        ("jobs", "find", {"status": "queued"}, {"sort": "queue_key", "limit": 1}),
        ("jobs", "find", {}, {"sort": "-queue_key", "limit": 1}),
        ("jobs", "find", {"owner": ID}, {"sort": "-queue_key", "limit": 1}),
    ),
    *_of(
        "jobs/queue.py Jobs._make_room",
        ("jobs", "find", {"owner": ID}, {"sort": "-place", "limit": 510}),
    ),
    *_of(
        "jobs/queue.py Jobs._remove",
        ("jobs", "delete", {"id": JOB}),
        ("jobs", "delete", {"id": JOB, "status": "failed"}),
        ("jobs", "delete", {"id": JOB, "completed_at": {"$lt": MOMENT}}),
    ),
    *_of(
        "jobs/log_store.py JobLogs.trim",
        ("job_logs", "delete", {"job": JOB, "number": {"$gt": 500, "$lte": 900}}),
    ),
    *_of(
        "jobs/log_store.py JobLogs.last_number",
        ("job_logs", "find", {"job": JOB}, {"sort": "-number", "limit": 1}),
    ),
    *_of(
        "jobs/log_store.py JobLogs.lines",
        (
            "job_logs",
            "find",
            {"job": JOB, "number": {"$gt": 0}},
            {"sort": "number", "limit": 2000},
        ),
    ),
    *_of("jobs/log_store.py JobLogs.forget", ("job_logs", "delete", {"job": JOB})),
    *_of(
        "jobs/log_store.py JobLogs.jobs",
        ("job_logs", "count_by", {}, {"field": "job"}),
        exempt=CHECK,
    ),
]
KNOWN: list[Query] = [
    *TRAIL,
    *QUEUES,
    *LEARNING,
    *JOBS,
    *_of(
        "audit.py AuditTrail._in_sequence",
        ("audit", "find", {"sequence": {"$gt": 0}}, {"sort": "sequence", "limit": 1000}),
    ),
    *_of(
        "audit.py AuditTrail.newest",
        (
            "audit",
            "find",
            {"target": ID, "action": "account.role_admin"},
            {"sort": "-sequence", "limit": 1},
        ),
    ),
    *_of(
        "audit.py AuditTrail.faults",
        ("audit", "count"),
        exempt=CHECK,
    ),
    *_of("audit.py AuditTrail.faults", ("audit", "count", {"sequence": {"$gt": 0}})),
    *_of("audit.py AuditTrail.faults_of", ("audit", "find", {"sequence": 10})),
    *_of(
        "storage/chain_head.py ChainHead._last_row",
        ("audit", "find", {"sequence": {"$gt": 0}}, LAST),
        exempt="numbers are unique, so rows with one number are sorted in no time",
    ),
    *_of("storage/chain_head.py ChainHead.faults", ("audit", "find", {"sequence": 10})),
    *_of(
        "storage/chain_head.py ChainHead.move",
        ("counters", "update", {"id": "audit-head", "sequence": {"$lt": 2}}, OPS),
    ),
    *_of(
        "storage/faults.py _all_documents",
        ("submissions", "find", {}, {"limit": 500}),
        ("submissions", "find", {}, {"limit": 500, "after": ID}),
    ),
    *_of("storage/restore.py restore_backup", ("restores", "delete", {"id": ID, "run": ID})),
    *_of("storage/restore.py _begin", ("restores", "update", {"id": ID}, OPS)),
    *_of("storage/restore.py _begin", ("submissions", "find", {}, {"limit": 1})),
    *_of(
        "storage/restore.py _begin",
        ("restores", "delete", {}),  # of all collections: here of one whose records nobody needs
        exempt="what an interrupted restore has left is deleted whole",
    ),
    *_of(
        "storage/restore.py _begin",
        ("store", "delete", {}),
        exempt="the collection has one record",
    ),
    *_of("storage/restore.py _apply_changed", ("submissions", "delete", {"id": ID})),
    *_of(
        "storage/version.py join_store",
        ("store", "update", {"id": ID, "version": 1, "compatible_since": 1, "key": "k"}, OPS),
    ),
    *_of("storage/version.py accept_key", ("store", "update", {"id": ID}, OPS)),
    *_of(
        "storage/lease.py Lease.claim",
        ("migrations", "update", {"id": ID, "held_until_at": MOMENT}, OPS),
        ("repairs", "update", {"id": ID, "held_until_at": MOMENT}, OPS),
    ),
    *_of(
        "storage/lease.py Lease._set",
        ("migrations", "update", {"id": ID, "holder": ID}, OPS),
        ("repairs", "update", {"id": ID, "holder": ID}, OPS),
    ),
    *_of(
        "storage/faults.py _clear_reference",
        ("submissions", "update", {"id": ID}, OPS),
        ("upload_parts", "update", {"id": ID}, OPS),
    ),
    *ACCOUNT_SEARCH,
    *_of(
        "auth/accounts.py Accounts.by_email", ("accounts", "find", {"email": "a@b.c"}, {"limit": 1})
    ),
    *_of(
        "auth/accounts.py Accounts.change", ("accounts", "update", {"id": ID, "revision": 1}, OPS)
    ),
    *_of(
        "auth/accounts.py Accounts.index_next",
        ("accounts", "find", {}, PAGE),
        ("accounts", "find", {}, NEXT_PAGE),
    ),
    *_of(
        "auth/accounts.py Accounts._index",
        (
            "accounts",
            "update",
            {"id": ID, "name": "Ada", "email": "a@b.c", "status": {"$ne": "deleting"}},
            OPS,
        ),
    ),
    *_of("auth/accounts.py Accounts.emails_of", ("accounts", "find", {"id": {"$in": [ID, OTHER]}})),
    *_of(
        "auth/accounts.py Accounts.find",
        ("accounts", "find", {"doctor_id": ID}),
        ("accounts", "find", {"id": ID}),
        ("accounts", "find", {"id": {"$in": [ID, OTHER]}}),
        ("accounts", "find", {"id": ID, "role": "doctor", "status": {"$ne": "deleting"}}),
        ("accounts", "find", {"role": "admin", "status": "approved"}),
        ("accounts", "find", {"status": "deleting"}),
    ),
    *_of(
        "auth/accounts.py Accounts.count_patients",
        (
            "accounts",
            "count_by",
            {"doctor_id": {"$in": [ID, OTHER]}},
            {"field": "doctor_id"},
        ),
    ),
    *_of("auth/accounts.py Accounts.set_queue_key", ("accounts", "update", {"id": ID}, OPS)),
    *_of(
        "auth/accounts.py Accounts.page_in_care",
        ("accounts", "find", {"doctor_id": ID}, QUEUE_PAGE),
        ("accounts", "find", {"doctor_id": ID, "queue_key": {"$gt": "0"}}, QUEUE_PAGE),
    ),
    *_of(
        "auth/accounts.py Accounts.faults",
        ("accounts", "find", {"role": "doctor"}),
    ),
    *_of("auth/accounts.py Accounts.faults", ("accounts", "find"), exempt=CHECK),
    *_of("auth/accounts.py Accounts.find", ("accounts", "find"), exempt=CHECK),
    *_of("auth/accounts.py Accounts.remove", ("accounts", "delete", {"id": ID})),
    *_of("auth/email_conflicts.py find_email_conflicts", ("accounts", "find"), exempt=CHECK),
    *_of("auth/email_conflicts.py _write", ("accounts", "update", {"id": ID}, OPS)),
    *_of(
        "admin/usage.py DailyCounts.read",
        ("daily_counts", "find", {"id": {"$gte": "2026-01-01", "$lte": "2026-01-30"}}),
    ),
    *_of(
        "admin/usage.py DailyCounts._add",
        ("daily_counts", "update", {"id": "2026-01-01"}, {**OPS, "upsert": True}),
    ),
    *_of(
        "auth/guess_limits.py GuessLimits._spend",
        ("guesses", "update", {"id": HASH, "wrong": {"$lt": 60}}, OPS),
        ("guesses", "delete", {"id": HASH, "created_at": MOMENT}),
    ),
    *_of(
        "auth/guess_limits.py GuessLimits.give_back",
        ("guesses", "update", {"id": HASH, "wrong": {"$gt": 0}}, OPS),
    ),
    *_of(
        "auth/guess_limits.py GuessLimits.forget_others",
        ("known_addresses", "delete", {"account": ID, "id": {"$ne": HASH}}),
    ),
    *_of("auth/guess_limits.py GuessLimits.forget", ("known_addresses", "delete", {"account": ID})),
    *_of(
        "auth/active_admins.py ActiveAdmins._write",
        ("counters", "update", {"id": "active-admins", "version": 1}, OPS),
    ),
    *_of(
        "auth/sessions.py Sessions._make_room",
        ("sessions", "find", {"account": ID}, {"sort": "-id", "limit": 100}),
        ("sessions", "delete", {"account": ID, "id": {"$lte": ID}}),
    ),
    *_of(
        "auth/sessions.py Sessions.by_refresh_token",
        ("sessions", "find", {"family": HASH}, {"limit": 1}),
    ),
    *_of(
        "auth/sessions.py Sessions.page",
        ("sessions", "find", {"account": ID, "token_version": 1}, PAGE),
        ("sessions", "find", {"account": ID, "token_version": 1}, NEXT_PAGE),
    ),
    *_of("auth/sessions.py Sessions.renew", ("sessions", "update", {"id": ID, "turn": HASH}, OPS)),
    *_of("auth/sessions.py Sessions.end", ("sessions", "delete", {"id": ID, "account": ID})),
    *_of("auth/sessions.py Sessions.forget", ("sessions", "delete", {"account": ID})),
    *_of(
        "records/submissions.py Submissions.page",
        ("submissions", "find", {"owner": ID}, PAGE),
        ("submissions", "find", {"owner": ID}, NEXT_PAGE),
    ),
    *_of(
        "records/submissions.py Submissions.by_number",
        ("submissions", "find", {"number": 1}, {"limit": 1}),
    ),
    *_of(
        "records/submissions.py Submissions.by_key",
        ("submissions", "find", {"owner": ID, "idempotency_key": "k"}, {"limit": 1}),
    ),
    *_of(
        "records/submissions.py Submissions.count_by_owner",
        ("submissions", "count_by", {}, {"field": "owner"}),
        exempt=CHECK,
    ),
    *_of(
        "records/finding_counts.py FindingCounts._count",
        ("submissions", "count", {"owner": ID, "number": {"$gt": 1}}),
        ("submissions", "count", {"owner": ID, "number": {"$gt": 1, "$lte": 9}}),
    ),
    *_of(
        "records/finding_counts.py FindingCounts._advance",
        ("submissions", "find", {"owner": ID}, {"sort": "-number", "limit": 51}),
        ("finding_counts", "update", {"id": ID}, {**OPS, "upsert": True}),
    ),
    *_of(
        "records/finding_counts.py FindingCounts.forget", ("finding_counts", "delete", {"id": ID})
    ),
    *_of(
        "records/finding_counts.py FindingCounts.owners", ("finding_counts", "find"), exempt=CHECK
    ),
    *_of(
        "records/submissions.py Submissions.first_key",
        (
            "submissions",
            "find",
            {"owner": ID, "queue_key": {"$lt": "1"}},
            {**QUEUE_PAGE, "limit": 1},
        ),
    ),
    *_of(
        "records/submissions.py Submissions.put_in_queue",
        ("submissions", "update", {"id": ID}, OPS),
    ),
    *_of(
        "records/submissions.py Submissions.mark_reviewed",
        ("submissions", "update", {"id": ID}, OPS),
    ),
    *_of(
        "records/submissions.py Submissions.photos_of",
        ("submissions", "find", {"id": {"$in": [ID, OTHER]}}),
    ),
    *_of(
        "records/submissions.py Submissions.existing",
        ("submissions", "find", {"id": {"$in": [ID, OTHER]}}),
    ),
    *_of(
        "records/submissions.py Submissions.walk",
        ("submissions", "find", {}, {"limit": 100}),
        ("submissions", "find", {}, {"limit": 100, "after": ID}),
    ),
    *_of(
        "records/submissions.py Submissions.set_thumbnail",
        ("submissions", "update", {"id": ID, "thumbnail_blob": None}, OPS),
        ("submissions", "update", {"id": ID, "thumbnail_blob": HASH}, OPS),
    ),
    *_of(
        "records/submissions.py Submissions.remove",
        ("submissions", "delete", {"id": ID, "thumbnail_blob": None}),
        ("submissions", "delete", {"id": ID, "thumbnail_blob": HASH}),
    ),
    *_of(
        "records/submissions.py Submissions._catch_up",
        ("submissions", "find", {}, {"sort": "-number", "limit": 1}),
        ("counters", "update", {"id": "submissions", "value": {"$lt": 3}}, OPS),
    ),
    *_of(
        "records/submissions.py Submissions._next_number",
        ("counters", "update", {"id": "submissions"}, OPS),
    ),
    *_of(
        "records/reviews.py Reviews.page",
        ("reviews", "find", {"submission": ID}, PAGE),
        ("reviews", "find", {"submission": ID}, NEXT_PAGE),
    ),
    *_of(
        "records/reviews.py Reviews.latest",
        ("reviews", "find", {"submission": ID}, {"sort": "-id", "limit": 1}),
    ),
    *_of(
        "records/reviews.py Reviews.deciding",
        (
            "reviews",
            "find",
            {"submission": ID, "histology": "confirmed"},
            {"sort": "-id", "limit": 1},
        ),
    ),
    *_of(
        "records/reviews.py Reviews.by_key",
        ("reviews", "find", {"doctor": ID, "idempotency_key": "k"}, {"limit": 1}),
    ),
    *_of(
        "records/reviews.py Reviews.walk",
        ("reviews", "find", {}, {"limit": 500}),
        ("reviews", "find", {}, {"limit": 500, "after": ID}),
    ),
    *_of(
        "records/reviews.py Reviews.next",
        ("reviews", "find", {}, {"limit": 100}),
        ("reviews", "find", {}, {"limit": 100, "after": ID}),
    ),
    *_of("records/reviews.py Reviews.forget", ("reviews", "delete", {"submission": ID})),
    *_of(
        "records/reviews.py Reviews.submissions",
        ("reviews", "count_by", {}, {"field": "submission"}),
        exempt=CHECK,
    ),
    *_of(
        "registry/versions.py ModelVersions.find_one",
        ("models", "find", {"version": "resnet50-1"}, {"limit": 1}),
    ),
    *_of(
        "registry/versions.py ModelVersions.find_made_by",
        ("models", "find", {"job": JOB}),
    ),
    *_of(
        "registry/versions.py ModelVersions.record_built_in",
        ("models", "find", {"version": "resnet50-1"}, {"limit": 1}),
    ),
    *_of(
        "registry/versions.py ModelVersions.find",
        ("models", "find", {}, {"limit": 101}),
        ("models", "find", {}, {"limit": 101, "after": ID}),
    ),
    *_of(
        "registry/versions.py ModelVersions.newest",
        ("models", "find", {}, {"sort": "-id", "limit": 100}),
    ),
    *_of(
        "registry/versions.py ModelVersions.change",
        ("models", "update", {"id": ID, "revision": 1}, OPS),
    ),
    *_of(
        "registry/versions.py ModelVersions.remove",
        ("models", "delete", {"id": ID, "revision": 1}),
        ("models", "update", {"id": ID, "revision": 1}, OPS),
    ),
    *_of(
        "registry/shadow.py ShadowResults.count",
        ("shadow_counts", "update", {"id": "resnet50-1"}, {**OPS, "upsert": True}),
    ),
    *_of(
        "registry/shadow.py ShadowResults.page",
        ("shadow_results", "find", {"version": "resnet50-1"}, PAGE),
        ("shadow_results", "find", {"version": "resnet50-1"}, NEXT_PAGE),
    ),
    *_of(
        "registry/shadow.py ShadowResults.forget",
        ("shadow_results", "delete", {"version": "resnet50-1"}),
        ("shadow_counts", "delete", {"id": "resnet50-1"}),
    ),
    *_of(
        "registry/weekly_counts.py WeeklyCounts.between",
        ("weekly_counts", "find", {"id": {"$gte": "2026-W20", "$lte": "2026-W46~"}}),
    ),
    *_of(
        "registry/weekly_counts.py WeeklyCounts.of_version",
        ("weekly_counts", "find", {"version": "resnet50-1"}),
    ),
    *_of(
        "registry/weekly_counts.py WeeklyCounts._add",
        ("weekly_counts", "update", {"id": "2026-W46 resnet50-1"}, {**OPS, "upsert": True}),
    ),
    *_of(
        "registry/pointer.py ServingPointer._replace",
        ("serving", "update", {"id": "model", "revision": 1}, OPS),
    ),
    *_of(
        "reports/verification.py IssuedReports._first",
        ("reports", "find", {"hash": HASH}, {"limit": 1}),
    ),
    *_of(
        "reports/verification.py IssuedReports._first",
        ("reports", "find", {"submission": ID, "language": "en", "hash": HASH}, {"limit": 1}),
    ),
    *_of(
        "reports/verification.py IssuedReports.forget",
        ("reports", "find", {"submission": ID}, {"limit": 100}),
        ("reports", "delete", {"id": ID, "pdf_blob": None}),
        ("reports", "delete", {"id": ID, "pdf_blob": HASH}),
    ),
    *_of(
        "reports/verification.py IssuedReports.keep_pdf",
        ("reports", "update", {"id": ID, "pdf_blob": None}, OPS),
        ("reports", "update", {"id": ID, "pdf_blob": HASH}, OPS),
    ),
    *_of(
        "reports/verification.py IssuedReports.faults",
        ("reports", "count_by", {}, {"field": "submission"}),
        exempt=CHECK,
    ),
    *_of(
        "reports/llm/cache.py NarrativeCache.discard",
        ("narratives", "delete", {"facts_hash": HASH, "language": "en", "writer": "llm"}),
    ),
    *_of(
        "reports/llm/cache.py NarrativeCache.find",
        (
            "narratives",
            "find",
            {"facts_hash": HASH, "language": "en", "writer": "llm"},
            {"limit": 1},
        ),
    ),
    *_of(
        "reports/llm/cache.py NarrativeCache.forget",
        ("narratives", "delete", {"facts_hash": HASH}),
    ),
    *_of(
        "reports/llm/budget.py DailyBudget._count",
        ("counters", "update", {"id": "llm_calls", "day": "2026-01-01", "value": {"$lt": 9}}, OPS),
    ),
    *_of(
        "reports/llm/budget.py DailyBudget._start_day",
        ("counters", "update", {"id": "llm_calls", "day": {"$lt": "2026-01-01"}}, OPS),
        ("counters", "update", {"id": "llm_calls", "day": {"$gt": "2026-01-01"}}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.touch",
        ("datasets", "update", {"id": ID, "status": "checking"}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.publish",
        ("datasets", "update", {"id": ID, "status": "checking"}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.refuse",
        ("datasets", "update", {"id": ID, "status": "checking"}, OPS),
    ),
    *_of(
        "lab/dataset_names.py DatasetNames.refuse_taken",
        (
            "datasets",
            "find",
            {"name_key": "ham", "owner": {"$ne": ID}, "status": {"$ne": "refused"}},
            {"limit": 1},
        ),
        ("datasets", "find", {"name_key": "ham", "status": "published"}, {"limit": 1}),
    ),
    *_of(
        "lab/dataset_names.py DatasetNames.next_version",
        (
            "datasets",
            "find",
            {"name_key": "ham", "version": {"$gt": 0}},
            {"sort": "-version", "limit": 1},
        ),
    ),
    *_of(
        "lab/dataset_names.py DatasetNames._count",
        ("counters", "update", {"id": f"dataset-versions-{HASH}"}, {**OPS, "upsert": True}),
    ),
    *_of(
        "lab/datasets.py Datasets.begin_deletion",
        ("datasets", "update", {"id": ID, "status": "published", "reference": None}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.undo_deletion",
        ("datasets", "update", {"id": ID, "status": "deleting"}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.newest",
        (
            "datasets",
            "find",
            {"name_key": "ham", "status": "published", "version": {"$gt": 0}},
            {"sort": "-version", "limit": 1},
        ),
    ),
    *_of(
        "lab/datasets.py Datasets.page",
        ("datasets", "find", {"status": "published"}, PAGE),
        ("datasets", "find", {"status": "published"}, NEXT_PAGE),
        ("datasets", "find", {"status": "refused", "owner": ID}, PAGE),
        ("datasets", "find", {"status": "refused", "owner": ID}, NEXT_PAGE),
    ),
    *_of(
        "lab/datasets.py Datasets.reference",
        ("datasets", "find", {"reference": True}, {"limit": 1}),
    ),
    *_of(
        "lab/datasets.py Datasets._mark_reference",
        ("datasets", "update", {"id": ID, "status": "published"}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.end_reference",
        ("datasets", "update", {"id": ID}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.set_counts",
        ("datasets", "update", {"id": ID, "status": "published"}, OPS),
    ),
    *_of(
        "lab/datasets.py Datasets.unverified",
        ("datasets", "find", {"unverified": True, "status": "published"}, {"limit": 100}),
    ),
    *_of("lab/datasets.py Datasets.set_verified", ("datasets", "update", {"id": ID}, OPS)),
    *_of(
        "lab/uploads.py Uploads.begun_before",
        ("uploads", "find", {"owner": ID, "idempotency_key": "k"}, {"limit": 1}),
    ),
    *_of(
        "lab/datasets.py Datasets.sent_before",
        ("datasets", "find", {"owner": ID, "idempotency_key": "k"}, {"limit": 1}),
    ),
    *_of("lab/datasets.py Datasets.of_owner", ("datasets", "find", {"owner": ID})),
    *_of(
        "lab/datasets.py Datasets.owners",
        ("datasets", "count_by", {}, {"field": "owner"}),
        exempt=CHECK,
    ),
    *_of(
        "lab/datasets.py Datasets.mend_times",
        (
            "datasets",
            "find",
            {"status": "checking", "touched_at": {"$gt": MOMENT}},
            {"sort": "touched_at", "limit": 100},
        ),
        (
            "datasets",
            "update",
            {"id": ID, "status": "checking", "touched_at": {"$gt": MOMENT}},
            OPS,
        ),
    ),
    *_of(
        "lab/datasets.py Datasets.abandoned",
        (
            "datasets",
            "find",
            {"status": "checking", "touched_at": {"$lt": MOMENT}},
            {"sort": "touched_at", "limit": 100},
        ),
    ),
    *_of("lab/datasets.py Datasets.remove", ("datasets", "delete", {"id": ID})),
    *_of("lab/datasets.py Datasets.mark_deleting", ("datasets", "update", {"id": ID}, OPS)),
    *_of(
        "lab/images.py DatasetImages.page",
        ("images", "find", {"dataset": ID}, PAGE),
        ("images", "find", {"dataset": ID}, NEXT_PAGE),
    ),
    *_of(
        "lab/images.py DatasetImages.same",
        ("images", "find", {"sha256": {"$in": [HASH, "b" * 64]}}, {"limit": 2000}),
        exempt=FEW_ALIKE,
    ),
    *BANDS,
    *_of(
        "lab/images.py DatasetImages.forget",
        ("images", "find", {"dataset": ID}, {"limit": 500}),
    ),
    *_of("lab/images.py DatasetImages.remove", ("images", "delete", {"id": ID})),
    *_of(
        "lab/images.py DatasetImages.tally",
        ("images", "find", {"dataset": ID}, {"limit": 500}),
        ("images", "find", {"dataset": ID}, {"limit": 500, "after": ID}),
    ),
    *_of(
        "lab/images.py DatasetImages._some",
        ("images", "find", {"account": ID}, {"limit": 500}),
        ("images", "find", {"submission": ID}, {"limit": 500}),
    ),
    *_of(
        "lab/images.py DatasetImages.datasets",
        ("images", "count_by", {}, {"field": "dataset"}),
        exempt=CHECK,
    ),
    *_of(
        "lab/uploads.py Uploads._size_at",
        ("upload_parts", "find", {"upload": ID, "offset": 0}, {"limit": 1}),
    ),
    *_of("lab/uploads.py Uploads._grow", ("uploads", "update", {"id": ID, "received": 0}, OPS)),
    *_of(
        "lab/uploads.py Uploads.read",
        ("upload_parts", "find", {"upload": ID}, {"sort": "offset"}),
    ),
    *_of("lab/uploads.py Uploads.admit", ("uploads", "update", {"id": ID}, OPS)),
    *_of("lab/uploads.py Uploads.withdraw", ("uploads", "delete", {"id": ID, "admitted": False})),
    *_of("lab/uploads.py Uploads.keep", ("uploads", "update", {"id": ID}, OPS)),
    *_of(
        "lab/uploads.py Uploads.claim",
        ("uploads", "update", {"id": ID, "dataset": None}, OPS),
        ("uploads", "update", {"id": ID, "dataset": ID}, OPS),
    ),
    *_of("lab/uploads.py Uploads.of_owner", ("uploads", "find", {"owner": ID})),
    *_of(
        "lab/uploads.py Uploads.owners",
        ("uploads", "count_by", {}, {"field": "owner"}),
        exempt=CHECK,
    ),
    *_of("lab/uploads.py Uploads.remove", ("uploads", "delete", {"id": ID})),
    *_of(
        "lab/uploads.py Uploads.sweep",
        (
            "uploads",
            "find",
            {"expires_at": {"$lt": MOMENT}},
            {"sort": "expires_at", "limit": 100},
        ),
        (
            "uploads",
            "find",
            {"expires_at": {"$gt": MOMENT}},
            {"sort": "expires_at", "limit": 100},
        ),
    ),
    *_of(
        "lab/uploads.py Uploads.faults",
        ("upload_parts", "count_by", {}, {"field": "upload"}),
        exempt=CHECK,
    ),
    *_of(
        "lab/uploads.py Uploads._forget_parts",
        ("upload_parts", "find", {"upload": ID}, {"sort": "offset", "limit": 100}),
        ("upload_parts", "delete", {"id": ID}),
    ),
]
SHAPES = {query.shape for query in KNOWN}
