"""Jobs as a director has them: queued from configs, followed to their end."""
