"""A photo in, a finding out; its record, reviews and reports."""
