"""Who will look at a finding, in English, for its owner."""

LOOKS = {
    "doctor": "{name} will look at this. There is no answer yet.",
    "doctors": "The clinic's doctors will look at this. There is no answer yet.",
    "nobody": "Nobody here will look at this. For advice, ask a doctor of your own.",
    "nobody_by": "Nobody here will look at this: go to a doctor of your own by {day}.",
    "nobody_go": "Nobody here will look at this: go to a doctor of your own.",
}

# Of a finding that was entered in error. `taken_back` is its reason where a program says so.
ERRORS = {
    "in_error": "This was entered in error and stands for nothing.",
    "taken_back": "The clinic's system that had sent this photo has taken it back.",
}
