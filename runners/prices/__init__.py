"""Where prices come from, and how they get into the desk."""
