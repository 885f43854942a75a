"""Instances that witness and mirror each other (reserved; joins the service through its public hooks)."""
