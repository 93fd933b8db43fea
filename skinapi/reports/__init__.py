"""From a finding to a report: its facts, their words, its pages, and whether it was issued."""
