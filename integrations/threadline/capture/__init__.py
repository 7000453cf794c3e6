"""Capture: joins what happened into turns and decides what was said. Knows no framework."""
