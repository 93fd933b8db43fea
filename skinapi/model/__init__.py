"""Classifies a picture: probabilities, urgency and a heat map. Uses no Flask and no storage.

Begin with `classification.py`; its result is `finding.py`, its medical sentences `conditions.yaml`.

Other packages import `assessment`, `bands`, `calibration`, `classification`, `conditions`,
`context`, `dataset_labels`, `detectors`, `facts_effect`, `finding`, `headline`, `heat_map_overlay`,
`passages`, `patient_facts`, `picture_format`, `refusals`, `told_facts`.
"""
