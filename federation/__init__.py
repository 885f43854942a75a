"""Instances that witness, mirror, vote and plan together (DESIGN 8); joins `governance` by its hooks only."""
