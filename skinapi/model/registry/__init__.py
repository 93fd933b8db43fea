"""The model in service: loading, replacing and describing it, and classifying photos with it.

Begin with `inference.py`; versions and their promotion: `version_service.py`.

Other packages import `composition`, `gates`, `inference`, `prediction_pool`, `serving_pointer`,
`stored_version`, `version_service`.
"""
