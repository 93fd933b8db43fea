"""The mails in English."""

from skinapi.notices.outbox import Kind
from skinapi.notices.words.mail_words import MailWords

ENGLISH = MailWords(
    subjects={
        Kind.APPROVED: "Your account is open",
        Kind.REVIEWED: "A doctor has answered",
        Kind.LETTER_WITHDRAWN: "Your doctor has taken a letter back",
        Kind.NEW_PICTURE: "Your doctor asks for a new photo",
        Kind.URGENT: "Something in your queue should be seen soon",
        Kind.OPINION: "A colleague asks for your opinion",
        Kind.OPINION_CAME: "A colleague has answered you",
        Kind.REMINDER: "It is time for a photo",
        Kind.MESSAGE: "You have a message",
        Kind.PASSWORD_LINK: "Choose a new password",
        Kind.PASSWORD_CHANGED: "Your password was changed",
        Kind.NEW_BROWSER: "A new browser opened your account",
        Kind.WRONG_CODES: "Somebody entered wrong codes for your account",
    },
    texts={
        Kind.APPROVED: "Your account was approved. You can log in now.",
        Kind.REVIEWED: "A doctor has answered you. Log in to read the answer.",
        Kind.LETTER_WITHDRAWN: "Your doctor has taken a letter back. Log in to read why.",
        Kind.NEW_PICTURE: "Your doctor asks you for a new photo. Log in to take it.",
        Kind.URGENT: "Something new in your queue should be seen soon. Log in to see it.",
        Kind.OPINION: "A colleague asks for your opinion. Log in to give it.",
        Kind.OPINION_CAME: "The colleague whom you asked has given an opinion. Log in to read it "
        "and to decide.",
        Kind.REMINDER: "It is time for the next photo. Log in to take it.",
        Kind.MESSAGE: "Somebody has written to you. Log in to read the message.",
        Kind.PASSWORD_LINK: "Somebody asked for a new password for your account. With this link "
        "you choose it: once, and within an hour. If it was not you, do nothing: your password "
        "stays as it is.",
        Kind.PASSWORD_CHANGED: "The password of your account was changed. If it was not you, "
        "choose a new one now.",
        Kind.NEW_BROWSER: "Somebody logged in to your account with a browser or program that was "
        "not used for it before. If it was not you, choose a new password now.",
        Kind.WRONG_CODES: "Somebody entered the right password of your account, and then wrong "
        "codes of your second factor. If it was not you, choose a new password now.",
    },
    switch_off="You can switch these mails off on the page of your account: {page}",
)
