"""What is stored of a person: one table of every field of every collection.

Who adds a collection or a field adds it here: tests/privacy/test_inventory.py fails until then. A
path stands for all that lies below it. docs/operate/inventory.md is made of this table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

# Whose data it is. `account`: of whoever has the account, in whichever role.
Whose = Literal["patient", "account", "doctor", "nobody"]
Kind = Literal[
    "identity", "contact", "health", "picture", "free_text", "technical", "pseudonym", "secret"
]
# With what a document goes, at the latest; `time`: by itself, whatever becomes of the account.
Erased = Literal["account", "finding", "time", "never"]
# Why a person's file does not have it.
WhyNot = Literal["secret", "internal", "others", "copy", "lab"]
# Why it stays when the person's account is erased.
Kept = Literal[
    "last_mail",
    "person_to_reach",
    "record",
    "trail",
    "proof",
    "erased_again",
    "model_history",
    "same_names",
]

WHY_NOT: Mapping[WhyNot, str] = {
    "secret": "a secret, or a hash of one: its owner cannot read it either",
    "internal": "how this server works with it: it says nothing that the file does not say "
    "elsewhere",
    "others": "it is about somebody else",
    "copy": "a copy of what the file has",
    "lab": "work of the lab: pictures and figures of others, which the lab's pages show",
}
KEPT: Mapping[Kept, str] = {
    "last_mail": "the mail with the receipt, until it is sent, three days at most",
    "person_to_reach": "the doctor who had something to tell reaches the person by it: until "
    "that is done, 30 days at most",
    "record": "what a doctor has decided or signed stays in the patient's record, with the name",
    "trail": "the audit trail proves who did what; it names accounts by id alone",
    "proof": "the receipt proves the erasure; it names the account by id alone",
    "erased_again": "a restored backup from before is erased by these ids, which name nobody",
    "model_history": "who put a model into service, and why, by account id alone",
    "same_names": "pictures of one patient must have one name in every data set",
}

# What of a person's file has it: a JSON file (`FILES` of person_file/format.py), a photo or PDF.
Exported = Literal[
    "account",
    "consents",
    "sessions",
    "keys",
    "spots",
    "finding",
    "messages",
    "audit",
    "notices",
    "jobs",
    "photo",
    "report",
]
# In every document: when it was made, its random id, and how it is written.
COMMON = frozenset({"id", "created_at", "schema", "revision", "holds"})


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of one collection of which the same is true.

    `exported` names what of the person's file has them, or is None, and `why_not` says why.
    `kept`: why they stay although their person's account is erased.
    """

    paths: tuple[str, ...]
    of: Whose
    kind: Kind
    exported: Exported | None = None
    why_not: WhyNot | None = None
    kept: Kept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A collection; `row` names its row of the table in docs/security.md."""

    collection: str
    row: str
    erased: Erased
    fields: tuple[Fields, ...]

    def find(self, path: str) -> Fields | None:
        """What is said of this path, or of the closest one above it. A path that ends in `*` is
        that of every name which begins so.
        """
        said = {one: fields for fields in self.fields for one in fields.paths}
        begins = tuple(one for one in said if one.endswith("*") and path.startswith(one[:-1]))
        while path and path not in said:
            path = path.rpartition(".")[0]
        return said.get(path or "".join(begins[:1]))


def told(paths: str, of: Whose, kind: Kind, file: Exported, kept: Kept | None = None) -> Fields:
    """Fields that the person's file has."""
    return Fields(tuple(paths.split()), of, kind, exported=file, kept=kept)


def held(
    paths: str, of: Whose, kind: Kind, why_not: WhyNot = "internal", kept: Kept | None = None
) -> Fields:
    """Fields that it does not have."""
    return Fields(tuple(paths.split()), of, kind, why_not=why_not, kept=kept)


def of_nobody(paths: str) -> Fields:
    return Fields(tuple(paths.split()), "nobody", "technical")


REQUEST = "idempotency_key request_hash"

INVENTORY: tuple[Stored, ...] = (
    Stored(
        collection="accounts",
        row="account",
        erased="account",
        fields=(
            told("name", "account", "identity", "account"),
            told("email", "account", "contact", "account"),
            told("role status notices locale wanted_role", "account", "technical", "account"),
            told("doctor_id provider", "account", "technical", "account"),
            held("deletion_asked_at deletion_due_at", "account", "technical"),
            held("record_kept_until_at", "patient", "technical"),
            held("joined_to joined", "patient", "pseudonym"),
            told("consents", "account", "technical", "consents"),
            held("findings patients_rest refused refused_at refusal", "account", "technical"),
            held("refusal.note", "account", "free_text", "others"),
            held(
                "password_hash second_factor.salt second_factor.recovery",
                "account",
                "secret",
                "secret",
            ),
            held("second_factor initial_password_expires_at must_change", "account", "technical"),
            held("token_version queue_key search family machine sent_by", "account", "technical"),
            held("external identity browsers", "account", "pseudonym", "secret"),
            held("group_role link_allowed", "account", "technical"),
            held("seen_at warned_at held_at", "patient", "technical"),
            held("held_by held_because", "patient", "pseudonym", "others"),
        ),
    ),
    Stored(
        collection="consents",
        row="consent",
        erased="account",
        fields=(
            told("account purpose given version language", "account", "technical", "consents"),
            told("by way", "account", "technical", "consents"),
            held("finding", "account", "pseudonym"),
        ),
    ),
    Stored(
        collection="sessions",
        row="session",
        erased="account",
        fields=(
            held("account token_version family turn", "account", "pseudonym"),
            held("ends_at factor_given", "account", "technical"),
            told("used_at expires_at client provider", "account", "technical", "sessions"),
            held("provider_session factor_there", "account", "pseudonym", "secret"),
        ),
    ),
    Stored(
        collection="keys",
        row="key",
        erased="account",
        fields=(
            held("hash", "account", "secret", "secret"),
            held("account made_by clinic_wide sessions doctor", "account", "pseudonym"),
            told("hint name kind scopes ends_at addresses quota", "account", "technical", "keys"),
            told("uses used_at revoked_at", "account", "technical", "keys"),
        ),
    ),
    Stored(
        collection="session_keys",
        row="session key",
        erased="account",
        fields=(
            held("hash", "account", "secret", "secret"),
            held("key account scope expires_at", "account", "pseudonym"),
        ),
    ),
    Stored(
        collection="password_links",
        row="password link",
        erased="account",
        fields=(held("account token_version expires_at", "account", "pseudonym"),),
    ),
    Stored(
        collection="oidc_round_trips",
        row="way of a log-in to the clinic's provider and back",
        erased="account",
        fields=(
            held("secret", "account", "secret", "secret"),
            held("provider account session factor expires_at", "account", "pseudonym"),
        ),
    ),
    Stored(
        collection="person_files",
        row="person's file",
        erased="account",
        fields=(
            held("piece_blobs writing", "account", "health", "copy"),
            held("file state attempt bytes made_at fetched_at expires_at", "account", "technical"),
        ),
    ),
    Stored(
        collection="outbox",
        row="notice",
        erased="account",
        fields=(
            told("kind due_at sent_at", "account", "technical", "notices"),
            held("figures", "account", "technical"),
            held("author", "account", "pseudonym"),
            held("account about", "account", "pseudonym", kept="last_mail"),
            held("attempts urgent expires_at language", "account", "technical"),
            # Of the mail with the receipt alone, which is sent after the account is gone.
            held("address", "account", "contact", kept="last_mail"),
        ),
    ),
    Stored(
        collection="break_glass",
        row="emergency access",
        erased="account",
        fields=(
            told("number reason", "patient", "free_text", "audit"),
            held("ends_at ended ended_at read_at", "patient", "technical"),
            held("owner finding owner_untold", "patient", "pseudonym"),
            held("doctor doctor_untold", "doctor", "pseudonym"),
            held("admin open_by", "account", "pseudonym"),
        ),
    ),
    Stored(
        collection="deliveries",
        row="delivery",
        erased="account",
        fields=(
            held("about owner", "patient", "pseudonym"),
            of_nobody("kind to state lane attempts waiting_since_at due_at tried_at answer fault"),
            of_nobody("expires_at"),
        ),
    ),
    Stored(
        collection="webhooks",
        row="webhook",
        erased="never",
        fields=(
            of_nobody("url events clinical enabled disabled_because secret former former_ends_at"),
            of_nobody("failing_since_at"),
        ),
    ),
    Stored(
        collection="retention",
        row="retention",
        erased="never",
        fields=(of_nobody("days acts_from_at"),),
    ),
    Stored(
        collection="retention_pause",
        row="retention",
        erased="never",
        fields=(held("by reason", "account", "pseudonym", "others", kept="trail"),),
    ),
    Stored(
        collection="retention_runs",
        row="retention",
        erased="time",
        fields=(of_nobody("kind items persons expires_at"),),
    ),
    Stored(
        collection="submissions",
        row="finding",
        erased="finding",
        fields=(
            told("number finding sections narrative_source", "patient", "health", "finding"),
            told("context language lesion former_lesion shape", "patient", "health", "finding"),
            told("again_of judged_again", "patient", "health", "finding"),
            told("photo_sent_at", "patient", "technical", "finding"),
            told("source", "patient", "identity", "finding"),
            held("source_patient", "patient", "identity", "copy"),
            told("photo_blob picture_blobs", "patient", "picture", "photo"),
            held("thumbnail_blob", "patient", "picture", "copy"),
            held("band model_version picture_count", "patient", "health", "copy"),
            held("owner doctor session_of", "patient", "pseudonym"),
            held("queue_key learning_key awaited_key opinion_key", "patient", "technical"),
            held("hold_key due_key changed rest_key photo_removed_at view", "patient", "technical"),
            held(REQUEST, "patient", "technical"),
            held("taken_by taken_at opinion_of opinion_at opinion_came_at", "doctor", "pseudonym"),
            held("opinion_question", "doctor", "free_text", "others"),
            held("error.reason", "patient", "free_text", "others"),
            held("error.entered_at error.by", "account", "pseudonym"),
            told("filed_by", "account", "pseudonym", "finding"),
        ),
    ),
    Stored(
        collection="lesions",
        row="spot",
        erased="account",
        fields=(
            told("place", "patient", "health", "spots"),
            told("name", "patient", "free_text", "spots"),
            told("joined remind_at reminded deleted_at", "patient", "health", "spots"),
            held("owner findings latest", "patient", "pseudonym"),
            held(REQUEST, "patient", "technical"),
        ),
    ),
    Stored(
        collection="messages",
        row="message",
        erased="account",
        fields=(
            told("text", "patient", "free_text", "messages"),
            told(
                "lesion seen_at read_at submission reported_at author",
                "patient",
                "technical",
                "messages",
            ),
            told("signature", "doctor", "identity", "messages", kept="record"),
            held("owner to", "patient", "pseudonym"),
            held(REQUEST, "patient", "technical"),
        ),
    ),
    Stored(
        collection="reviews",
        row="review",
        erased="finding",
        fields=(
            told("opinion", "patient", "health", "finding"),
            told("submission", "patient", "pseudonym", "finding"),
            told("signature", "doctor", "identity", "finding", kept="record"),
            told("doctor", "doctor", "pseudonym", "finding", kept="record"),
            held("asked_by", "doctor", "pseudonym", kept="record"),
            told("note", "patient", "free_text", "finding"),
            held("question", "doctor", "free_text", "others", kept="record"),
            told("downgrade_confirmed lowered_from lowered_to", "patient", "health", "finding"),
            held("hold_ends_at", "patient", "technical"),
            held(REQUEST, "doctor", "technical", kept="record"),
        ),
    ),
    Stored(
        collection="outcome_counts",
        row="outcomes by month",
        erased="account",
        fields=(
            held("subject", "doctor", "pseudonym"),
            of_nobody("kind month truth said sent n at_points at_*"),
        ),
    ),
    Stored(
        collection="letters",
        row="letter",
        erased="finding",
        fields=(
            told("text withdrawn.reason", "patient", "free_text", "finding"),
            told("decision", "patient", "health", "finding"),
            told("reader language version signed_at", "patient", "technical", "finding"),
            told("last_review withdrawn submission", "patient", "technical", "finding"),
            told("doctor withdrawn.withdrawn_by", "doctor", "pseudonym", "finding", kept="record"),
            told("signature", "doctor", "identity", "finding", kept="record"),
        ),
    ),
    Stored(
        collection="reports",
        row="report",
        erased="finding",
        fields=(
            told("pdf_blob", "patient", "health", "report"),
            told("hash language submission", "patient", "technical", "finding"),
            held("model_version pages contents", "patient", "technical"),
        ),
    ),
    Stored(
        collection="narratives",
        row="choice of an LLM",
        erased="finding",
        fields=(held("facts_hash language writer choice expires_at", "patient", "health"),),
    ),
    Stored(
        collection="known_addresses",
        row="known address",
        erased="account",
        fields=(held("account expires_at", "account", "pseudonym", "secret"),),
    ),
    Stored(
        collection="guesses",
        row="wrong passwords and codes",
        erased="time",
        fields=(of_nobody("wrong expires_at"),),
    ),
    Stored(
        collection="audit",
        row="audit",
        erased="never",
        fields=(
            told("action by target owner", "account", "pseudonym", "audit", kept="trail"),
            held("outcome phase intent detail", "account", "technical", kept="trail"),
            held("by_key request_id", "account", "pseudonym", kept="trail"),
            of_nobody("sequence previous hash key signature unsigned head_fault"),
        ),
    ),
    Stored(
        collection="uploads",
        row="upload",
        erased="account",
        fields=(
            held("owner name", "account", "free_text"),
            held("size sha256 expires_at received dataset", "account", "technical"),
            held("idempotency_key", "account", "technical"),
        ),
    ),
    Stored(
        collection="upload_parts",
        row="upload",
        erased="account",
        fields=(of_nobody("upload offset size blob sha256"),),
    ),
    Stored(
        collection="datasets",
        row="data set",
        erased="account",
        fields=(
            held("name licence source modality version status", "account", "free_text", "lab"),
            held("owner name_key", "account", "pseudonym"),
            held("counts report size pictures files uploads progress", "account", "technical"),
            held(
                "message problem problem_code reference labels_from erased withdrawn",
                "account",
                "technical",
            ),
            held("touched_at", "account", "technical"),
            held(REQUEST, "account", "technical"),
        ),
    ),
    Stored(
        collection="images",
        row="picture made from a review",
        erased="finding",
        fields=(
            held("picture_blob thumbnail_blob", "patient", "picture", "copy"),
            held("label facts modality", "patient", "health", "copy"),
            held("submission account image_id lesion patient name", "patient", "pseudonym"),
            held("dataset sha256 dhash width height format size written", "patient", "technical"),
            held("band_a band_b band_c band_d", "patient", "technical"),
        ),
    ),
    Stored(
        collection="pseudonym_keys",
        row="key of those names",
        erased="never",
        fields=(held("key", "patient", "secret", "secret", kept="same_names"),),
    ),
    Stored(
        collection="jobs",
        row="job",
        erased="account",
        fields=(
            told("kind status request completed_at", "account", "technical", "jobs"),
            held("result error started_at", "account", "technical", "lab"),
            held("owner running_owner", "account", "pseudonym"),
            held("place queue_key progress message metrics error_code", "account", "technical"),
            held(
                "attempt_started_at seconds_before short attempts cancel_asked slot",
                "account",
                "technical",
            ),
            held("token worker lease_ends_at idempotency_key", "account", "technical"),
        ),
    ),
    Stored(
        collection="job_logs",
        row="log of a job",
        erased="account",
        fields=(held("job number lines", "account", "technical", "lab"),),
    ),
    Stored(
        collection="models",
        row="model version",
        erased="never",
        fields=(
            held("created_by changes.by", "account", "pseudonym", kept="model_history"),
            held("changes.reason", "account", "free_text", kept="model_history"),
            of_nobody("version state architecture headline files parent dataset job served_at"),
            of_nobody("files_deleted_at card labels test_part refuses_other_pictures comparison"),
            of_nobody("reference_comparison changes patient_pictures started_from"),
        ),
    ),
    Stored(
        collection="serving",
        row="model version",
        erased="never",
        fields=(
            held("moves.by", "account", "pseudonym", kept="model_history"),
            held("moves.reason", "account", "free_text", kept="model_history"),
            of_nobody("version earlier shadow moves operating_point"),
        ),
    ),
    Stored(
        collection="shadow_results",
        row="shadow result",
        erased="time",
        fields=(of_nobody("version served shadow request_id expires_at"),),
    ),
    Stored(
        collection="shadow_counts",
        row="shadow result",
        erased="never",
        fields=(of_nobody("findings same other_band other_label refused dropped"),),
    ),
    Stored(
        collection="counters",
        row="numbers of versions",
        erased="never",
        fields=(of_nobody("value claims chain sequence hash key signature day written_at"),),
    ),
    Stored(
        collection="daily_counts",
        row="usage by day",
        erased="never",
        fields=(of_nobody("*"),),
    ),
    Stored(
        collection="weekly_counts",
        row="week of a model version",
        erased="never",
        fields=(of_nobody("*"),),
    ),
    Stored(
        collection="erased_ids",
        row="erased ids",
        erased="never",
        fields=(held("kind scrubbed_at request", "account", "pseudonym", kept="erased_again"),),
    ),
    Stored(
        collection="erasure_receipts",
        row="receipt of an erasure",
        erased="never",
        fields=(
            held("account pending", "account", "pseudonym", kept="proof"),
            held("code", "account", "secret", "secret", kept="proof"),
            held("asked_by reason extent language", "account", "technical", kept="proof"),
            held("erased kept elsewhere", "account", "technical", kept="proof"),
            of_nobody("counted_at awaits_until_at gone_at completed_at backups remains store"),
            of_nobody("signature public_key"),
        ),
    ),
    Stored(
        collection="people_to_reach",
        row="person to be told",
        erased="time",
        fields=(
            held("name", "patient", "identity", kept="person_to_reach"),
            held("email sent_by", "patient", "contact", kept="person_to_reach"),
            held("number", "patient", "identity", kept="person_to_reach"),
            held("findings", "patient", "health", kept="person_to_reach"),
            held("account doctor", "patient", "pseudonym", kept="person_to_reach"),
            of_nobody("expires_at"),
        ),
    ),
    Stored(
        collection="backups",
        row="backups made",
        erased="never",
        fields=(of_nobody("place name written_at gone_at gone"),),
    ),
    Stored(
        collection="failed_items",
        row="failed item",
        erased="account",
        fields=(
            held("item", "account", "pseudonym"),
            of_nobody("work attempts reason due_at expires_at"),
        ),
    ),
    Stored(
        collection="clock",
        row="clock",
        erased="never",
        fields=(
            of_nobody("right_at doubted_at doubtful_at jumped_from_at jumped_to_at set_right_at"),
            of_nobody("spared_accounts spared_records"),
        ),
    ),
    Stored(
        collection="erasures",
        row="erasures",
        erased="time",
        fields=(of_nobody(""),),
    ),
)
BY_COLLECTION: Mapping[str, Stored] = {one.collection: one for one in INVENTORY}
# They hold nothing of a person: how this server keeps itself in order.
OF_THE_SERVER = frozenset({"leases", "migrations", "restores", "store"})


def list_personal() -> Iterator[tuple[Stored, Fields]]:
    """What is stored of persons."""
    for stored in INVENTORY:
        for fields in stored.fields:
            if fields.of != "nobody":
                yield stored, fields


def list_unknown(collection: str, paths: set[str]) -> list[str]:
    """Those of the paths that are in no row, each with what to do about it."""
    if collection in OF_THE_SERVER:
        return []
    stored = BY_COLLECTION.get(collection)
    if stored is None:
        return [f"{collection}: a collection that no row of skinapi/privacy/inventory.py has"]
    missing = [
        path
        for path in sorted(paths)
        if path.partition(".")[0] not in COMMON and not stored.find(path)
    ]
    return [
        f"{collection}.{path} is stored, and in no row of skinapi/privacy/inventory.py: say whose"
        " data it is, and whether it is exported, erased or kept"
        for path in missing
    ]
