"""Which pages, and which kinds of blocks in them, tests of this folder run."""

RUN = {"docs/integrate/pacs.md"}
KINDS = {"bash orthanc", "lua orthanc"}
