"""Accounts in English: consents, the page of a refusal."""

# What a person is asked to consent to: of each purpose every text there was, the newest last. Its
# place is its version, from 1. A text that somebody has agreed to never changes: another one is
# added behind it, in every language, and its line in tests/accounts/auth/consent_texts.json.
CONSENTS = {
    "photos": [
        {
            "title": "Keep my photos with my findings",
            "text": "A doctor in charge can look at them, the heat map can be shown again, and a "
            "picture archive of the clinic may get them. If you take this back, no new photo is "
            "kept or sent to the archive, and you choose whether the kept ones are deleted.",
        },
    ],
    "llm": [
        {
            "title": "A language model may write a part of my reports",
            "text": "It gets the figures of a finding: no picture, no name, nothing that you "
            "typed. If you take this back, it writes nothing more.",
        },
        {
            "title": "A language model may word a part of my reports",
            "text": "It gets the figures of a finding, and general sentences about what the check, "
            "your doctor or a laboratory names: no picture, no name, nothing that you typed. "
            "If you take this back, it writes nothing more.",
        },
        {
            "title": "A language model may word my reports, and draft my doctor's letters",
            "text": "For a report it gets the figures of a finding, and general sentences about "
            "what the check, your doctor or a laboratory names. For a letter it gets your age "
            "group, your sex, where the spot is, when it was photographed, the signs that you "
            "ticked, what was decided, and your doctor's notes for the letter: no picture, no "
            "name, nothing that you typed. Your doctor reads each letter before it is signed. If "
            "you take this back, it writes nothing more.",
        },
    ],
    "training": [
        {
            "title": "My kept photos may be used to train the model",
            "text": "Researchers of this server see them, with what a doctor or a laboratory says "
            "and what you told about the spot, under a code instead of your name. If you take this "
            "back, the copies are erased. A model that was trained before stays as it is, and its "
            "card says how many pictures it learned from were taken back.",
        },
    ],
    "sharing": [
        {
            "title": "My doctor may ask a colleague about my findings",
            "text": "For a second opinion another doctor sees the finding and its photo. As long "
            "as you have not answered, your doctor may do so as a part of your treatment. If you "
            "refuse, no colleague is asked, and a question that waits is taken back.",
        },
    ],
}


# The page that a browser gets where its request was refused.
REFUSAL = {
    "title": "This page cannot be opened now",
    "too_many": "Too many requests have come from your network.",
    "failed": "The server could not answer.",
    "wait": "Wait {seconds} s, then load the page again.",
    "again": "Load the page again in some minutes.",
}
