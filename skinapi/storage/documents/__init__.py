"""What both stores do alike: checks of filters and documents, selected fields, merged lists."""
