"""LEAN: its command line driven, its result files read, its data folders read and written."""
