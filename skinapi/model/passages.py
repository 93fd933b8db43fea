from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Literal

from pydantic import Field

from skinapi.base.languages import LANGUAGES, Language, LocalizedText, read_yaml, space_all_french
from skinapi.base.stored_record import Frozen
from skinapi.model.conditions import Source, conditions_table

PassageReader = Literal["patient", "colleague"]


class Passage(LocalizedText):
    """`about` is the condition that it describes, if any. `needs` is the id of a passage that must
    be shown with it.
    """

    id: str
    about: str | None = None
    reader: PassageReader | None = None
    sources: tuple[Source, ...] = ()
    needs: str | None = None


class _Written(LocalizedText):
    id: str
    reader: PassageReader | None = Field(default=None, alias="for")
    sentence: str | None = Field(default=None, alias="from")
    sources: tuple[Source, ...] = ()
    needs: str | None = Field(default=None, alias="with")

    def make_passage(self, about: str | None, software: Source) -> Passage:
        group = about or "general"
        return Passage(
            id=f"{group}.{self.id}",
            about=about,
            reader=self.reader,
            sources=self._list_sources(about, software),
            needs=f"{group}.{self.needs}" if self.needs else None,
            **{language: self.in_language(language) for language in LANGUAGES},
        )

    def _list_sources(self, about: str | None, software: Source) -> tuple[Source, ...]:
        table = conditions_table()
        if about and self.sentence:
            own = table.by_key(about).sources
            return tuple(source for source in own if self.sentence in source.supports)
        if self.sentence == "checklist":
            return table.checklist.sources[:1]
        return (software,) if self.sentence == "software" else self.sources


class Reviewed(Frozen):
    by: str
    date: str


class _File(Frozen):
    file_schema: int = Field(alias="schema")
    reviewed: Reviewed
    software: Source
    about: Mapping[str, tuple[_Written, ...]]
    general: tuple[_Written, ...]
    finding: Mapping[str, LocalizedText]
    names: Mapping[str, Mapping[Language, tuple[str, ...]]]


class PassagesTable(Frozen):
    all: tuple[Passage, ...]
    finding: Mapping[str, LocalizedText]
    names: Mapping[str, Mapping[Language, tuple[str, ...]]]

    @cached_property
    def _by_id(self) -> dict[str, Passage]:
        return {passage.id: passage for passage in self.all}

    def has(self, identifier: str) -> bool:
        return identifier in self._by_id

    def by_id(self, identifier: str) -> Passage:
        return self._by_id[identifier]

    def of_finding(
        self, topic: str, *, about: str | None = None, **values: LocalizedText
    ) -> Passage:
        said = self.finding[topic].fill(**values)
        return Passage(id=f"finding.{topic}", about=about, **said.model_dump())

    def list_about(self, condition: str, reader: PassageReader) -> list[Passage]:
        return [
            passage
            for passage in self.all
            if passage.about == condition and passage.reader in (None, reader)
        ]


@cache
def passages_table() -> PassagesTable:
    written = read_yaml("skinapi.model", "passages.yaml")
    file = _File.model_validate(space_all_french(written))
    of_conditions = (
        passage.make_passage(condition, file.software)
        for condition, passages in file.about.items()
        for passage in passages
    )
    return PassagesTable(
        all=(
            *of_conditions,
            *(passage.make_passage(None, file.software) for passage in file.general),
        ),
        finding=file.finding,
        names=file.names,
    )


def sources_of(passages: Iterable[str]) -> list[str]:
    known = map(passages_table().by_id, filter(passages_table().has, passages))
    return list(dict.fromkeys(name for item in known for name in name_sources(item.sources)))


def name_sources(sources: Iterable[Source]) -> list[str]:
    """A publisher needs the address of the page, while a citation is complete. Statements of the
    software about itself have no source.
    """
    names = []
    for source in sources:
        address = (source.url or "").partition("://")[2]
        named = f"{source.publisher}, {address}" if address else source.publisher
        if source.kind != "software" and (name := source.citation or named):
            names.append(name)
    return names
