"""Every page by its address, with its heading."""

PAGES = {
    "": "Leaderboard",
    "strategy": "Strategy",
    "run": "Run",
    "walk_forward": "Walk-forward",
    "queue": "Queue",
    "new_job": "New job",
    "monitor": "Monitor",
}
