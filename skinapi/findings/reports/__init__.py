"""Makes reports from findings: facts, narrative, pages, and the verification of issued reports.

Begin with `service.py`; `content.py` has what the pages of every form say.

Other packages import `checker`, `checker_records`, `content`, `facts`, `openrouter`, `report`,
`service`, `template`, `words`.
"""
