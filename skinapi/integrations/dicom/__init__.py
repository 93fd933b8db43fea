"""DICOM for picture archives (PACS): https://www.dicomstandard.org/

What an archive sends (STOW-RS): `receiving` judges each object, whose `header` is read,
`patient_facts` describes and `pixels` makes a photo of; `stow` writes the answer.

What the clinic's archive is sent: `archive`. `studies` says what objects a finding has, which
`object_maker` makes; `study` names them.
"""
