"""What every package means by a page, a caller, a role and a text: knows no HTTP and no store.

Begin with `errors.py` and `stored_record.py`: most modules use them.

Other packages import `caller_addresses`, `container`, `days`, `errors`, `field_types`,
`http_client`, `languages`, `logs`, `pages`, `problem`, `size_limits`, `stored_record`, `subject`,
`values`.
"""
