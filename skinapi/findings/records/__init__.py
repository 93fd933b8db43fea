"""Stored findings and photos: their owners, who may see them, and deletion.

Begin with `finding_access.py`; a `StoredFinding` that a reader sees knows its spot.

Other packages import `changed_findings`, `events`, `finding_access`, `finding_records`, `lesions`,
`letters`, `photos`, `read_access`, `read_notes`, `record_retention`, `review_queue`, `service`,
`spots`, `stored_finding`, `stored_findings`, `unassigned_patients`, `waiting_spots`.
"""
