"""Photos that are kept with a finding, and their thumbnails."""
