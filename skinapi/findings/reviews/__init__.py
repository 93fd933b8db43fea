"""Reviews of stored findings, findings filed for the wrong patient, and results counted."""
