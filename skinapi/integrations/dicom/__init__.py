"""DICOM for picture archives (PACS): https://www.dicomstandard.org/

What an archive sends (STOW-RS): `receiving` judges each object, whose `header` is read,
`patient_facts` describes and `pixels` makes a photo of; `stow` writes the answer.

What its client fetches (QIDO-RS, WADO-RS): `studies` is the service; `object_maker` makes the
objects of one `study`, and `search` finds them. What the clinic's archive is sent: `archive`.
"""
