"""Programs that are measured against each other, a process each."""
