"""The server, the way to connect to it, its roles and its migrations."""
