RUN = {"docs/integrate/ehr.md"}
KINDS = set[str]()
