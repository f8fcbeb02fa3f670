"""Work that is not points: loads of prices, refreshes of the marts, suggestions. Each runs as a process."""
