"""SkinAPI: from a photograph of a skin lesion to an honest, explained, documented finding."""
