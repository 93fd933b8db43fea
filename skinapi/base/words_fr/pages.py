"""The page in French that a browser gets where its request was refused."""

REFUSAL = {
    "title": "Cette page ne peut pas être ouverte maintenant",
    "too_many": "Trop de requêtes sont venues de votre réseau.",
    "failed": "Le serveur n’a pas pu répondre.",
    "wait": "Attendez {seconds} s, puis rechargez la page.",
    "again": "Rechargez la page dans quelques minutes.",
}
