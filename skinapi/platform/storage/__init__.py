"""The ports of a store, and what both kinds share.

Begin with `ports.py`; `unit_of_work.py` makes a use case one transaction;
`records.py` is the base of collections.

Other packages import `background`, `documents`, `failed_items`, `faults`, `files`, `ids`,
`number_key`, `numbers`, `ports`, `records`, `store_version`, `unit_of_work`, `unreadable`.
"""
