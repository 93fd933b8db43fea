"""The model in service: loading, replacing and describing it, and classifying photos with it."""
