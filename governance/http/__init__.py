"""The HTTP interface: one controller file for each resource, and what they share."""
