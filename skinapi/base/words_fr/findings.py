"""Findings in French: days, who will look, the draft of a letter, the codes of DICOM."""

# How a day is written.
DAYS = {
    "months": "janvier février mars avril mai juin juillet août septembre "
    "octobre novembre décembre",
    "day": "{day} {month} {year}",
    "by": "Au plus tard le {day}.",
    "first": "1er",
    "weekday": "{day} ({weekday})",
    "weekdays": "lundi mardi mercredi jeudi vendredi samedi dimanche",
}

# Who will look at a finding, for its owner.
LOOKS = {
    "doctor": "{name} regardera ce résultat. Il n'y a pas encore de réponse.",
    "doctors": "Les médecins de la clinique regarderont ce résultat. Il n'y a pas encore de "
    "réponse.",
    "nobody": "Personne ici ne regardera ce résultat. Pour un avis, demandez à un médecin de votre "
    "choix.",
    "nobody_by": "Personne ici ne regardera ce résultat : allez chez un médecin de votre choix "
    "au plus tard le {day}.",
    "nobody_go": "Personne ici ne regardera ce résultat : allez chez un médecin de votre choix.",
}

# Of a finding that was entered in error. `taken_back` is its reason where a program says so.
ERRORS = {
    "in_error": "Ce résultat a été enregistré par erreur et ne vaut rien.",
    "taken_back": "Le système de la clinique qui avait envoyé cette photo l'a retirée.",
}

# The sentences of a letter's draft.
LETTERS = {
    "to_patient": "Bonjour {patient},",
    "to_colleague": "Cher confrère, chère consœur,\n\nCette lettre concerne: {patient}.",
    "about": {
        "patient": "Cette lettre concerne votre tache{spot}, photographiée le {date}.",
        "colleague": "La tache{spot} a été photographiée le {date} (résultat {number}).",
    },
    "spot": {"named": " «{name}»", "placed": " ({place})"},
    "ask": "Si quelque chose n'est pas clair, n'hésitez pas à me poser vos questions.",
    "model": {
        "judged": "À titre de comparaison, la réponse du modèle du {date}: {names}.",
        "unjudged": "Réponse du modèle du {date}, d'une photo qui n'a pas pu être jugée: {names}.",
    },
    "closing": "Cordialement\n{doctor}",
}

# What our own codes in a structured report mean; DICOM allows 64 characters.
CODES = {
    "probability": "Probabilité: {condition}",
    "malignant_score": "Score de malignité: somme de ce qui compte comme malin",
    "checklist_score": "Score de la liste pondérée en 7 points",
    "risk_band": "Niveau de risque",
    "most_likely": "Le plus probable selon le modèle",
    "not_ruled_out": "Non exclu par le modèle",
    "of_condition": "De quelle affection",
    "includes": "L'une de plusieurs affections réunies",
    "doubt": "Pourquoi le résultat est incertain",
    "not_surely_skin": "Ce n'est peut-être pas de la peau",
    "pictures_disagree": "Les photos ne concordent pas",
    "too_close": "Plusieurs affections sont presque aussi probables",
    "unlike_training": "Différent des photos apprises par le modèle",
    "suspected": "Suspecté, sans conclusion",
    "urgency": "Urgence",
    "certainty": "Certitude",
    "sure": "Sûr",
    "unsure": "Pas sûr",
    "histology": "Histologie",
    "not_taken": "Aucun prélèvement",
    "awaited": "Résultat attendu",
    "confirmed": "Confirmé par le laboratoire",
    "wanted": "Demandé",
    "new_picture": "Une autre photo",
}
