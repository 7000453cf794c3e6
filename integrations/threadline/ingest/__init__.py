"""Delivers what is recorded to where a team looks. The only place that speaks HTTP."""
