"""Pictures that we make: heat maps over photos, small versions, PNG."""
