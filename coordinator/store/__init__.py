"""What the coordinator remembers: SQLite, one writer thread, readers on snapshots."""
