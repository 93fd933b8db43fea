"""What tests of several packages share: backends, people, photos, models, other servers."""
