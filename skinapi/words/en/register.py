"""The register of processing in English. What stands in braces is a setting in force."""

REGISTER = {
    "labels": {
        "title": "Register of processing",
        "made": "Made on {moment} from what this server stores and from its settings.",
        "law": "Article 30 of the GDPR",
        "controller": "Who is responsible",
        "name": "Name",
        "contact": "Contact for data protection",
        "address": "Address of the server",
        "not_set": "not set ({setting})",
        "purposes": "What it is done for",
        "persons": "Whose data",
        "kinds": "Which data",
        "recipients": "Who gets data",
        "off": "switched off",
        "to": "To",
        "sent": "What is in it",
        "setting": "Setting",
        "outside": "May be outside of this network: is it in another country, and is there a "
        "contract?",
        "inside": "This machine or a private network.",
        "nothing_personal": "nothing of a person",
        "retention": "How long it is stored",
        "what": "What",
        "until": "Until",
        "measures": "How it is protected",
        "yes": "yes",
        "no": "no",
        "flow": "What leaves this server",
        "server": "This server",
        "all_off": "Nothing leaves it: everything is switched off.",
        "legal_basis": "The legal basis of each purpose, and contracts with processors, are yours "
        "to add.",
    },
    "purposes": {
        "care": {
            "title": "Judging photos of skin, and care by a doctor",
            "text": "A photo becomes a finding; a doctor reviews it, writes to the patient and "
            "follows spots over time.",
        },
        "account": {
            "title": "Accounts",
            "text": "Who may use the server, in which role, and what they have agreed to.",
        },
        "security": {
            "title": "Security and proof",
            "text": "Log-ins, guesses of passwords, and the audit trail of who did what.",
        },
        "notices": {
            "title": "Notices by mail",
            "text": "A mail says that something waits. It holds nothing of anybody's health.",
        },
        "programs": {
            "title": "Exchange with other systems",
            "text": "Keys of programs, and messages to the clinic's other systems.",
        },
        "rights": {
            "title": "Rights of persons",
            "text": "Copies of a person's data, erasures with their receipts, and access in an "
            "emergency.",
        },
        "lab": {
            "title": "Training and testing the model",
            "text": "Data sets, also from reviewed findings of patients who agreed to it.",
        },
        "operation": {
            "title": "Operation",
            "text": "Numbers of use and of the model, for each day, without a name.",
        },
    },
    "persons": {
        "patient": "patients",
        "account": "people with an account",
        "doctor": "doctors",
        "nobody": "nobody",
    },
    "kinds": {
        "identity": "names",
        "contact": "e-mail addresses",
        "health": "data about health",
        "picture": "photos",
        "free_text": "texts that people write",
        "technical": "settings, times and states",
        "pseudonym": "ids without a name",
        "secret": "hashes of passwords and keys",
    },
    "recipients": {
        "llm": {
            "title": "LLM provider",
            "text": "the facts of a finding, with the patient's consent alone; never a photo, a "
            "name "
            "or an e-mail address",
        },
        "mail": {
            "title": "Mail server",
            "text": "the e-mail address and a sentence that something waits",
        },
        "mongodb": {"title": "MongoDB", "text": "everything that is stored"},
        "rate_limits": {
            "title": "Counter of rate limits",
            "text": "ids of accounts, and IP addresses, for a day at most",
        },
        "broker": {"title": "Message broker of jobs", "text": "ids of jobs"},
        "log_in": {
            "title": "The clinic's log-in (OpenID Connect)",
            "text": "that somebody logs in here; from there come name, e-mail address and groups",
        },
        "webhooks": {
            "title": "Webhooks",
            "text": "ids of findings, letters and accounts; results where an admin chose that",
        },
        "archive": {
            "title": "Picture archive",
            "text": "photos, findings and reports without a name, under the patient's number "
            "where an archive sent the picture, else under the id of the account",
        },
        "syslog": {
            "title": "Log server (syslog)",
            "text": "each row of the audit trail: ids of accounts, what was done, and when",
        },
        "engine": {"title": "Inference server", "text": "pictures, as numbers, without a name"},
        "programs": {
            "title": "Programs with a key",
            "text": "what the scopes of the key open: findings, photos, letters, the audit trail",
        },
        "backups": {
            "title": "Backups",
            "text": "everything that is stored; the operator decides where they are kept",
        },
        "packages": {
            "title": "Index of Python packages",
            "text": "nothing of a person; only when an admin installs the libraries of the lab",
        },
    },
    "stored": {
        "account": {
            "title": "account",
            "until": "it is deleted; one that nobody approves, {waiting_account_days} days",
        },
        "consent": {
            "title": "consent",
            "until": "the account is deleted",
        },
        "session": {
            "title": "session",
            "until": "log-out, or {session_idle_days} days without use, {session_days} days in all",
        },
        "key": {
            "title": "key of a program",
            "until": "30 days after it is revoked, or its account is deleted",
        },
        "session key": {
            "title": "session key of a program",
            "until": "ten minutes, or the account is deleted",
        },
        "password link": {
            "title": "link for a new password",
            "until": "it is used, or an hour; from an admin {initial_password_hours} hours",
        },
        "way of a log-in to the clinic's provider and back": {
            "title": "log-in at the clinic's provider, under way",
            "until": "ten minutes, or an hour after a log-out",
        },
        "notice": {
            "title": "notice that waits for the mail server",
            "until": "it is sent, three days, or the account is deleted",
        },
        "delivery": {
            "title": "message to another system",
            "until": "seven days after it was taken or given up, or the account is deleted",
        },
        "webhook": {"title": "webhook", "until": "an admin deletes it"},
        "retention": {
            "title": "retention",
            "until": "a kind is kept for ever again, an admin ends the pause; what went, 400 days",
        },
        "finding": {
            "title": "finding, with its photos",
            "until": "it or its account is deleted",
        },
        "spot": {"title": "spot", "until": "it or its account is deleted"},
        "message": {"title": "message", "until": "the patient's account is deleted"},
        "review": {"title": "review", "until": "the finding or the patient's account is deleted"},
        "letter": {"title": "letter", "until": "the finding or the patient's account is deleted"},
        "emergency access": {
            "title": "emergency access of an admin to a finding",
            "until": "the patient's account is deleted",
        },
        "person's file": {
            "title": "file with everything about a person",
            "until": "it was fetched, a day has passed, or the account is deleted",
        },
        "report": {"title": "report", "until": "the finding or its account is deleted"},
        "choice of an LLM": {
            "title": "choice of an LLM",
            "until": "the finding or its account is deleted, at most 90 days",
        },
        "known address": {
            "title": "known address (a keyed hash)",
            "until": "90 days, or the account is deleted",
        },
        "wrong passwords and codes": {"title": "wrong passwords and codes", "until": "an hour"},
        "audit": {"title": "audit trail", "until": "never deleted; it names accounts by id alone"},
        "upload": {"title": "upload of a data set", "until": "a day, or the account is deleted"},
        "data set": {
            "title": "data set",
            "until": "it or its account is deleted; one that was refused, a day",
        },
        "picture of a data set": {
            "title": "picture of a data set",
            "until": "its data set is deleted",
        },
        "picture made from a review": {
            "title": "picture made from a review",
            "until": "the data set, the finding or the account is deleted, or the consent is "
            "withdrawn",
        },
        "key of those names": {
            "title": "key of the names in data sets",
            "until": "never deleted: the names must stay the same",
        },
        "job": {
            "title": "job of the lab",
            "until": "90 days after its end, or its account is deleted",
        },
        "log of a job": {"title": "log of a job", "until": "its job is deleted"},
        "model version": {
            "title": "model version",
            "until": "it is deleted; who put it into service, and why, stays",
        },
        "shadow result": {"title": "result of a model that is tried", "until": "90 days"},
        "numbers of versions": {"title": "numbers and counters", "until": "never deleted"},
        "usage by day": {"title": "usage by day", "until": "never deleted: numbers alone"},
        "week of a model version": {
            "title": "week of a model version",
            "until": "never deleted: numbers alone",
        },
        "outcomes by month": {
            "title": "outcomes by month",
            "until": "never deleted; those of a doctor with the doctor's account",
        },
        "receipt of an erasure": {
            "title": "receipts of erasures",
            "until": "never deleted: they prove it, and name nobody",
        },
        "person to be told": {
            "title": "people who were not told of a finding in time",
            "until": "they were reached, or 30 days",
        },
        "failed item": {
            "title": "damaged records that a pass failed on",
            "until": "they are mended, the account is deleted, or a week",
        },
        "clock": {
            "title": "when the clock was right last",
            "until": "never deleted",
        },
        "erased ids": {
            "title": "ids of what was erased",
            "until": "never deleted: a restored backup is erased by them",
        },
        "backups made": {
            "title": "which backups were made",
            "until": "never deleted: it names nobody",
        },
        "erasures": {"title": "files that are to be deleted", "until": "they are deleted"},
    },
    "limits": {
        "retain_photos_days": "its photos, {days} days",
        "retain_findings_days": "at most {days} days",
        "retain_messages_days": "read or answered ones at most {days} days",
        "retain_accounts_days": "a patient's without use, {days} days",
    },
    "measures": {
        "access": "Every route is closed until its roles are declared. A patient's findings open "
        "to the patient, the doctor in charge, and a colleague whom that doctor asks; to an admin "
        "for an hour in an emergency alone (BREAK_GLASS).",
        "passwords": "Passwords are stored as Argon2 hashes, and guesses are counted.",
        "second_factor": "A second factor is required of: {roles}.",
        "no_second_factor": "A second factor is required of nobody (REQUIRE_SECOND_FACTOR).",
        "https": "People reach the server by HTTPS.",
        "no_https": "The server's address has no HTTPS.",
        "trail": "Each change, and each look at another's photo, is a signed row of the audit "
        "trail.",
        "photos": "Photos are encoded anew before they are stored, without place, camera and time.",
        "photos_never": "No photo is stored (PHOTOS).",
        "photos_consent": "A photo is stored with the patient's consent alone (PHOTOS).",
        "photos_always": "Every photo is stored (PHOTOS).",
        "backup": "The last backup was made on {moment}.",
        "no_backup": "No backup was made with this server's own command.",
        "log_addresses": "Lines of the log hold IP addresses (LOG_ADDRESSES).",
        "no_log_addresses": "No line of the log holds an IP address.",
        "open_clients": "Clients without a log-in are served: {clients}.",
        "disk": "Encryption of what is stored is the work of the disk or the database: this server "
        "cannot see whether it is on.",
    },
}
