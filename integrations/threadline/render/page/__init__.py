"""Recorded conversations as HTML: self-contained, readable without script, safe to open."""
