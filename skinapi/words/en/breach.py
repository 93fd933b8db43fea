"""A breach in English: what was touched, what the audit trail cannot tell, the note for Art. 33."""

BREACH = {
    "acts": {
        "read_photo": "photos seen",
        "read_record": "findings, spots or messages read",
        "wrote": "written or changed",
        "exported": "copied out",
        "account": "account changed",
        "own": "by the account itself",
    },
    "questions": {
        "key": "a key of a program was in other hands ({asked})",
        "account": "an account was in other hands ({asked})",
        "span": "the server was open to others between {since} and {until}",
    },
    "gaps": {
        "own": "Who reads the own data leaves no row. A thief of an account has seen all that the "
        "account itself shows.",
        "daily": "Reading a record and seeing small photos are one row for each reader, patient "
        "and "
        "day: how often on that day, nobody knows.",
        "before": "Reading without a photo leaves a row since {moment}. What was read before, the "
        "trail does not say.",
        "never": "Reading without a photo has left no row here yet: nobody has read another's "
        "record since this version, or this version runs since today.",
        "accounts": "An admin's lists of accounts show names and e-mail addresses, and leave no "
        "row.",
        "log_ins": "A log-in leaves no row, and from which address it came is in the log alone, "
        "where LOG_ADDRESSES was switched on.",
        "copies": "Who has a copy of the disk, the database or a backup has everything in it, and "
        "leaves no row.",
        "sent": "What was sent to other systems (see what leaves the server) is in their trails.",
        "erased": "Of an account that was erased since, the trail has the id alone.",
        "secret": "Who has had JWT_SECRET_KEY can have made tokens of any account, and rows that "
        "look right. Compare the trail with a log that is kept elsewhere.",
    },
    "columns": {
        "id": "account",
        "email": "e-mail",
        "name": "name",
        "role": "role",
        "times": "rows",
        "first": "first",
        "last": "last",
    },
    "note": """Notification of a personal data breach (Article 33 of the GDPR)

To be sent to the supervisory authority within 72 hours after one has learnt of it. If that is now
({moment}), until {deadline}. What is not known yet can follow later.

Controller: {controller}
Contact: {contact}

1. What happened: {question}.
   Time: {first} to {last}, as far as the audit trail shows.
   [How it was found, and when: to be filled in]
2. Persons: {persons}. Rows of the audit trail about them: {rows}.
   Kinds of data: {kinds}.
3. Likely consequences: [to be filled in. Photos and findings of skin are data about health
   (Article 9), so the persons are probably to be told as well: Article 34]
4. What was done and is planned: [to be filled in, such as: key revoked, account suspended, sessions
   ended, password and JWT_SECRET_KEY changed]

What the audit trail cannot tell:
{gaps}
""",
}
