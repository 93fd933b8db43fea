"""Stored findings and photos: their owners, who may see them, and deletion.

Begin with `finding_access.py`; what a reader sees is a `VisibleFinding`, what is stored a
`StoredFinding`.

Other packages import `changed_findings`, `damaged_records`, `events`,
`finding_access`, `finding_records`, `lesions`, `letters`, `photos`, `read_access`, `read_notes`,
`record_retention`, `review_queue`, `service`, `spots`, `stored_finding`, `stored_findings`,
`unassigned_patients`, `visible_findings`, `waiting_spots`.
"""
