"""Conversations as text and plain data to draw: no terminal, no framework, nothing unsafe."""
