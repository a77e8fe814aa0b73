"""What a run leaves behind: its folder, journal, checkpoints and reports, and the line to the coordinator."""
