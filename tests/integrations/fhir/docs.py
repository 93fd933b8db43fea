"""Which pages, and which kinds of blocks in them, tests of this folder run."""

RUN = {"docs/integrate/ehr.md"}
KINDS = set[str]()
