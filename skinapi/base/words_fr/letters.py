"""The sentences of a letter's draft, in French."""

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
