"""Who will look at a finding, in French, for its owner."""

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
