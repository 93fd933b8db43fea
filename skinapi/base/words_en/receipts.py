"""The receipt of an erasure in English."""

RECEIPTS = {
    "title": "Receipt of an erasure",
    "unknown": "No receipt with this code was made here.",
    "forged": "This receipt is not as the server signed it. Do not rely on it.",
    "pending": "The erasure has begun. Nobody can log in to the account any more. This receipt is "
    "finished once all of it is deleted: look again in some minutes.",
    "headlines": {
        "account": "This account and its data were erased. What is left, and where, stands below.",
        "all_but_record": "This account was erased. The medical record is kept, as the law says.",
        "record": "The medical record that was kept of this account was erased.",
    },
    "genuine": "The signature is this server's.",
    "asked_by": {
        "person": "the person, with the password",
        "admin": "an admin",
        "system": "the server, because a time was over",
    },
    "reasons": {
        "asked": "the person asked for it",
        "second_account": "the person has another account",
        "not_used": "the account is not used any more",
        "other": "another reason",
    },
    "labels": {
        "code": "Code",
        "account": "Account (a number, no name)",
        "asked_by": "Asked for by",
        "reason": "Reason",
        "begun": "Begun",
        "gone": "Data gone from the store",
        "completed": "Finished",
        "fingerprint": "Key of the server",
        "verify": "Check it at",
        "erased": "What was erased",
        "kept": "What is kept, why and until when",
        "backups": "Backups from before",
        "remains": "What the files of the store may still hold",
        "elsewhere": "What was sent out and cannot be called back",
    },
    "kinds": {
        "account": "Account, with e-mail address and password",
        "findings": "Findings",
        "photos": "Photos",
        "thumbnails": "Small copies of photos",
        "reviews": "Doctors' reviews",
        "letters": "Letters",
        "reports": "Reports, with their PDFs",
        "spots": "Spots",
        "messages": "Messages",
        "jobs": "Jobs, with their folders, logs and exported files",
        "uploads": "Uploads",
        "datasets": "Data sets",
        "dataset_pictures": "Copies of photos in data sets",
        "sessions": "Log-ins",
        "keys": "Keys for programs",
        "session_keys": "Keys for pages of other programs",
        "password_links": "Links for a new password",
        "log_ins": "Log-ins at the clinic that were under way",
        "known_addresses": "Known networks (hashes)",
        "deliveries": "Waiting and past messages to other systems",
        "emergency_accesses": "Emergency accesses of admins, with their reasons",
        "notices": "Waiting mails",
    },
    "nothing": "Nothing.",
    "kept": {
        "record": "The medical record: findings that a doctor has signed something about, and "
        "those of the same spots that are at least as urgent ({count}), with photos, reviews, "
        "letters, messages about their spots, and the patient's name. The law asks the doctor to "
        "keep it. The doctor in charge reads it; "
        "an admin can, one finding in an emergency, with a reason. Until {until}; then it is "
        "erased without being asked.",
        "audit": "Who did what and when, with numbers in place of names. It is the proof of what "
        "was done with the data. It is never deleted.",
        "counts": "How many findings there were on each day, without a person. Never deleted.",
        "signed": "The reviews, letters and messages that this doctor signed, with the name: they "
        "are the patients'. Until their accounts are deleted.",
        "model": "Models that learned from photos of this person: {names}. They hold no photo, "
        "but what was learned from it. Until an admin deletes them.",
        "model_perhaps": "Models that may have learned from photos of this person which were taken "
        "out of the data sets before: {names}. Nothing stored tells from whose photos.",
        "person_to_reach": "The name, the e-mail address and the number of the finding, for the "
        "doctor who had something to tell, or for whoever looks at urgent findings: until that is "
        "done, at the latest until {until}.",
        "address": "The e-mail address, for the mail with this receipt: until it is sent, at the "
        "latest until {until}.",
    },
    "elsewhere": {
        "archive": "The clinic's picture archive: {count}, made from {first} to {last}. Ask the "
        "clinic.",
        "llm": "A language model got the result as numbers, without photo and name: {count}, from "
        "{first} to {last}.",
        "webhooks": "Other programs of the clinic were told of findings, by numbers: {count}, from "
        "{first} to {last}.",
        "mail": "Mails to the person lie in the mailboxes. None says anything of health.",
    },
    "findings": ["{count} finding", "{count} findings"],
    "backups": "These backups still hold the data. Where one of them is restored with the list of "
    "erased numbers, the server erases it again before anybody can log in.",
    "no_backups": "None that the server knows of. It does not know copies that were made "
    "otherwise.",
    "remains": {
        "log_in_use": "SQLite's log, because it was being read. The next writes overwrite it.",
        "file_too_large": "Free parts of SQLite's file, which was too large to be rewritten. The "
        "operator can do that with a command.",
        "disk_too_full": "Free parts of SQLite's file: the disk had no room to rewrite it.",
        "freed_blocks": "Free blocks in MongoDB's files, until MongoDB writes over them.",
        "journal": "MongoDB's journal, until it is written anew: minutes, as a rule.",
        "oplog": "MongoDB's log of changes, on each of its servers, until it is full: hours to "
        "weeks.",
        "compact_refused": "Free blocks in MongoDB's files: this server may not ask for them to be "
        "given back.",
        "disk": "What the disk itself keeps of blocks that were given back. Only encryption of the "
        "disk helps against that.",
    },
    "no_remains": "Nothing that the server knows of: it was overwritten.",
    "how_to_verify": "Anybody who has the code can check this receipt at the address above. It "
    "names nobody. With the key of the server it can be checked without the server, too.",
}
