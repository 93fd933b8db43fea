"""The mails in French."""

from skinapi.languages import space_all_french
from skinapi.notices.outbox import Kind
from skinapi.notices.words.mail_words import MailWords

_WORDS = MailWords(
    subjects={
        Kind.APPROVED: "Votre compte est ouvert",
        Kind.REVIEWED: "Un médecin a répondu",
        Kind.LETTER_WITHDRAWN: "Votre médecin a retiré une lettre",
        Kind.NEW_PICTURE: "Votre médecin demande une nouvelle photo",
        Kind.URGENT: "Un élément de votre file est à voir rapidement",
        Kind.OPINION: "Un confrère demande votre avis",
        Kind.OPINION_CAME: "Un confrère vous a répondu",
        Kind.REMINDER: "C'est le moment de prendre une photo",
        Kind.MESSAGE: "Vous avez un message",
        Kind.PASSWORD_LINK: "Choisissez un nouveau mot de passe",
        Kind.PASSWORD_CHANGED: "Votre mot de passe a été changé",
        Kind.NEW_BROWSER: "Un nouveau navigateur a ouvert votre compte",
        Kind.WRONG_CODES: "Quelqu'un a saisi des codes faux pour votre compte",
    },
    texts={
        Kind.APPROVED: "Votre compte a été approuvé. Vous pouvez maintenant vous connecter.",
        Kind.REVIEWED: "Un médecin vous a répondu. Connectez-vous pour lire la réponse.",
        Kind.LETTER_WITHDRAWN: "Votre médecin a retiré une lettre. Connectez-vous pour lire "
        "pourquoi.",
        Kind.NEW_PICTURE: "Votre médecin vous demande une nouvelle photo. Connectez-vous pour la "
        "prendre.",
        Kind.URGENT: "Un nouvel élément de votre file est à voir rapidement. Connectez-vous pour "
        "le voir.",
        Kind.OPINION: "Un confrère demande votre avis. Connectez-vous pour le donner.",
        Kind.OPINION_CAME: "Le confrère que vous avez interrogé a donné son avis. Connectez-vous "
        "pour le lire et pour décider.",
        Kind.REMINDER: "C'est le moment de prendre la photo suivante. Connectez-vous pour la "
        "prendre.",
        Kind.MESSAGE: "Quelqu'un vous a écrit. Connectez-vous pour lire le message.",
        Kind.PASSWORD_LINK: "Quelqu'un a demandé un nouveau mot de passe pour votre compte. Ce "
        "lien permet de le choisir: une seule fois, pendant une heure. Si ce n'était pas vous, ne "
        "faites rien: votre mot de passe reste le même.",
        Kind.PASSWORD_CHANGED: "Le mot de passe de votre compte a été changé. Si ce n'était pas "
        "vous, choisissez-en un nouveau maintenant.",
        Kind.NEW_BROWSER: "Quelqu'un s'est connecté à votre compte avec un navigateur ou un "
        "programme qui n'avait pas encore servi pour ce compte. Si ce n'était pas vous, choisissez "
        "un nouveau mot de passe maintenant.",
        Kind.WRONG_CODES: "Quelqu'un a saisi le bon mot de passe de votre compte, puis des codes "
        "faux du second facteur. Si ce n'était pas vous, choisissez un nouveau mot de passe "
        "maintenant.",
    },
    switch_off="Vous pouvez désactiver ces e-mails sur la page de votre compte: {page}",
)
FRENCH = MailWords.model_validate(space_all_french(_WORDS.model_dump(), french=True))
