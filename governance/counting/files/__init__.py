"""Ballot files: read, recognised, written, and counted without any server (DESIGN 6)."""
