"""A doctor's letters about a finding."""
