"""The worker: claims work, executes it in children, records what comes back."""
