"""Takes conversations that were recorded elsewhere into a store: as they were, and once."""
