"""Writes facts as sentences, and checks the sentences of an LLM against the facts."""
