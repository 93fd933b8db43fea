RUN = {"docs/integrate/pacs.md"}
KINDS = {"bash orthanc", "lua orthanc"}
