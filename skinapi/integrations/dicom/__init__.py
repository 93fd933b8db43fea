"""DICOM for picture archives (PACS): https://www.dicomstandard.org/

What an archive sends (STOW-RS): `routes` spools the body by `multipart_related`, `receiving` judges
each object, which `reading` opens, `pixels` and `jpeg_2000` make a photo of, and `header_facts`
describes; `stow` writes the answer. `intake` is the service.

What an archive's client fetches (QIDO-RS, WADO-RS): `retrieve_routes`, with `search` and `queries`
to find studies, and `multipart_answer`. `studies` is the service; `object_maker` makes the objects
of one `study`, with `objects`, `structured_report`, `codes` and `uids`.

What is sent to the clinic's archive: `archive_routes`, `archive` (the service), `archive_client`.
"""
