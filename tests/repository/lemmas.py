"""Write the table of lemmas: for each word of the passages and of the reviewed lists, its inflected
forms. It needs simplemma 2.0, which the server does not.

`python -m tests.repository.lemmas`
"""

import re
from collections import defaultdict

import yaml
from simplemma import lemmatize
from simplemma.strategies.dictionaries.dictionary_factory import DefaultDictionaryFactory

from skinapi.base.languages import LANGUAGES, Language
from skinapi.findings.reports.vocabulary import LEMMAS, words_in
from skinapi.model.passages import passages_table

# Words that are compared, intensified or negated claim something else than their stem.
APART = {"en": ("er", "est", "less", "un"), "fr": ()}
# A form that says "was" or "would" is none of the word, but where a wording has it: "is cured".
PAST = {
    "en": r".+ed|became|began|chose|gave|grew|kept|knew|meant|saw|told|took|went",
    "fr": r".+(?:ai[st]?|aient|i?ons|i?ez|r[ao]s?|ront|èrent|[âîû][mt]es|[âîû]t|ss(?:e|es|ent))",
}
# Only the forms in the lists.
AUXILIARIES = {"en": "be is are has have do does", "fr": "être est sont a ont avoir"}


def list_words(language: Language) -> set[str]:
    """The words of the passages and of the lists of words that mean the same."""
    written = yaml.load(LEMMAS.joinpath(f"{language}.yaml").read_text("utf-8"), yaml.BaseLoader)
    table = passages_table()
    texts = [text for passage in table.all for text in passage.wordings(language)]
    texts += [text for wordings in table.finding.values() for text in wordings[language]]
    texts += [word for group in written["same"] for word in group]
    texts += [name for names in written["names"].values() for name in names]
    words = {word for text in texts for word in words_in(text, language) if word[0].isalpha()}
    guards = {word for group in written["guards"] for phrase in group for word in phrase.split()}
    return words - guards - {*written["free"].split()} - {*AUXILIARIES[language].split()}


def list_forms(language: Language) -> dict[str, list[str]]:
    known = DefaultDictionaryFactory().get_dictionary(language)
    apart = APART[language] or ("\0",)
    lemmas = {
        word: word if word.endswith(apart) else lemmatize(word, language).lower()
        for word in list_words(language)
    }
    plurals = {word for word in lemmas if word[-1] == "s" and word[:-1] in lemmas}
    lemmas |= {word: lemmas[word[:-1]] for word in plurals}
    forms: dict[str, set[str]] = defaultdict(set)
    for word, lemma in lemmas.items():
        forms[lemma].add(word)
    for form in map(str.lower, known):
        lemma = lemmatize(form, language).lower()
        if lemma in forms and form.isalpha() and not form.endswith(apart):
            forms[lemma].add(form)
    kept = list_words(language)
    for found in forms.values():
        found -= {form for form in found - kept if re.fullmatch(PAST[language], form)}
        # Few dictionaries have "dermatofibromas".
        found |= {f"{word}s" for word in found & kept if word[-1] != "s"}
    for lemma in [*forms]:  # "enlevé" is a form of "enlever"
        if lemma.endswith("é") and f"{lemma[:-1]}er" in forms:
            forms[f"{lemma[:-1]}er"] |= forms.pop(lemma)
    return {lemma: sorted(found) for lemma, found in sorted(forms.items())}


if __name__ == "__main__":
    for language in LANGUAGES:
        lines = (" ".join([lemma, *forms]) for lemma, forms in list_forms(language).items())
        LEMMAS.joinpath(f"lemmas_{language}.txt").write_text("\n".join(lines) + "\n", "utf-8")
