"""Accounts in French: consents, the page of a refusal."""

# What a person is asked to consent to: of each purpose every text there was, the newest last. Its
# place is its version, from 1. A text that somebody has agreed to never changes: another one is
# added behind it, in every language, and its line in tests/accounts/auth/consent_texts.json.
CONSENTS = {
    "photos": [
        {
            "title": "Garder mes photos avec mes résultats",
            "text": "Le médecin en charge peut les voir, la carte de chaleur reste visible, et une "
            "archive d'images de la clinique peut les recevoir. Si vous retirez cet accord, aucune "
            "nouvelle photo n'est gardée ni envoyée à l'archive, et vous choisissez si celles qui "
            "sont gardées sont effacées.",
        },
    ],
    "llm": [
        {
            "title": "Un modèle de langue peut écrire une partie de mes rapports",
            "text": "Il reçoit les chiffres d'un résultat: ni image, ni nom, ni rien que vous ayez "
            "écrit. Si vous retirez cet accord, il n'écrit plus rien.",
        },
        {
            "title": "Un modèle de langue peut rédiger une partie de mes rapports",
            "text": "Il reçoit les chiffres d'un résultat, et des phrases générales sur ce que "
            "nomment le contrôle, votre médecin ou un laboratoire: ni image, ni nom, ni rien que "
            "vous ayez écrit. Si vous retirez cet accord, il n'écrit plus rien.",
        },
        {
            "title": "Un modèle de langue peut rédiger mes rapports et ébaucher les lettres de mon "
            "médecin",
            "text": "Pour un rapport, il reçoit les chiffres d'un résultat, et des phrases "
            "générales sur ce que nomment le contrôle, votre médecin ou un laboratoire. Pour une "
            "lettre, il reçoit votre tranche d'âge, votre sexe, l'endroit de la tache, quand elle "
            "a été photographiée, les signes que vous avez cochés, ce qui a été décidé, et les "
            "notes de votre médecin pour la lettre: ni image, ni nom, ni rien que vous ayez écrit. "
            "Votre médecin lit chaque lettre avant de la signer. Si vous retirez cet accord, il "
            "n'écrit plus rien.",
        },
    ],
    "training": [
        {
            "title": "Mes photos gardées peuvent servir à entraîner le modèle",
            "text": "Les chercheurs de ce serveur les voient, avec ce qu'en dit un médecin ou un "
            "laboratoire et ce que vous avez indiqué, sous un code au lieu de votre nom. Si vous "
            "retirez cet accord, les copies sont effacées. Un modèle déjà entraîné reste tel quel, "
            "et sa fiche dit combien des images dont il a appris ont été retirées.",
        },
    ],
    "sharing": [
        {
            "title": "Mon médecin peut consulter un confrère sur mes résultats",
            "text": "Pour un second avis, un autre médecin voit le résultat et sa photo. Tant que "
            "vous n'avez pas répondu, votre médecin peut le faire dans le cadre de vos soins. Si "
            "vous refusez, aucun confrère n'est consulté, et une demande en attente est retirée.",
        },
    ],
}


# The page that a browser gets where its request was refused.
REFUSAL = {
    "title": "Cette page ne peut pas être ouverte maintenant",
    "too_many": "Trop de requêtes sont venues de votre réseau.",
    "failed": "Le serveur n’a pas pu répondre.",
    "wait": "Attendez {seconds} s, puis rechargez la page.",
    "again": "Rechargez la page dans quelques minutes.",
}
