"""Configs as YAML files: read safely, validated by the database, errors told with file and line."""
