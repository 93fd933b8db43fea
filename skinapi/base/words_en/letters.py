"""The sentences of a letter's draft, in English."""

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
