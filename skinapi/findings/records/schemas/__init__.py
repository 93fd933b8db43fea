"""What is answered about findings and reviews, and what a review is sent as.

Begin with `finding_answer.py`; `summary.py` has the fields of each list.

Other packages import `finding_answer`, `finding_parts`, `practice`, `review`,
`summary`.
"""
