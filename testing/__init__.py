"""What tests, pictures and measurements share: a desk, its app and runner, a browser, many rows."""
