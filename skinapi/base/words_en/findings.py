"""Findings in English: days, who will look, the draft of a letter, the codes of DICOM."""

# How a day is written.
DAYS = {
    "months": "January February March April May June July August September "
    "October November December",
    "day": "{day} {month} {year}",
    "by": "By {day}.",
    "first": "1",
    "weekday": "{day} ({weekday})",
    "weekdays": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
}

# Who will look at a finding, for its owner.
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

# The sentences of a letter's draft.
LETTERS = {
    "to_patient": "Dear {patient},",
    "to_colleague": "Dear colleague,\n\nThis is about your patient {patient}.",
    "about": {
        "patient": "This letter is about your spot{spot}, photographed on {date}.",
        "colleague": "The spot{spot} was photographed on {date} (finding {number}).",
    },
    "spot": {"named": " “{name}”", "placed": " ({place})"},
    "ask": "Please ask me if anything is not clear to you.",
    "model": {
        "judged": "For comparison, the model's answer of {date}: {names}.",
        "unjudged": "The model's answer of {date}, of a photo that could not be judged: {names}.",
    },
    "closing": "Kind regards\n{doctor}",
}

# What our own codes in a structured report mean; DICOM allows 64 characters.
CODES = {
    "probability": "Probability: {condition}",
    "malignant_score": "Malignant score: the sum of all that count as malignant",
    "checklist_score": "Score of the weighted 7-point checklist",
    "risk_band": "Risk band",
    "most_likely": "Most likely by the model",
    "not_ruled_out": "Not ruled out by the model",
    "of_condition": "Of which condition",
    "includes": "One of several that it includes",
    "doubt": "Why the finding is uncertain",
    "not_surely_skin": "It may be something else than skin",
    "pictures_disagree": "The pictures disagree",
    "too_close": "Several conditions are about as likely",
    "unlike_training": "Unlike the pictures that the model learned from",
    "suspected": "Suspected, not concluded",
    "urgency": "Urgency",
    "certainty": "Certainty",
    "sure": "Sure",
    "unsure": "Unsure",
    "histology": "Histology",
    "not_taken": "No sample was taken",
    "awaited": "The result is awaited",
    "confirmed": "Confirmed by the laboratory",
    "wanted": "Wanted",
    "new_picture": "Another photograph",
}
