"""DICOM for picture archives (PACS): https://www.dicomstandard.org/

Begin with `receiving.py` for what an archive sends (STOW-RS): the `header.py` of each object is
read, `patient_facts.py` describes it, `pixels.py` makes a photo of it, and `stow.py` answers.

What the clinic's archive is sent begins in `archive.py`: `studies.py` says what objects a finding
has, which `object_maker.py` makes; `study.py` names them.
"""
