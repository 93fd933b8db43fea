PAGES = {"docs/batch.md"}
KINDS = {"bash cluster"}
