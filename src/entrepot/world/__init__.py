"""The scripted world: actors, clock, faults, auditor and the import of real data."""
