"""What an instance does: the one writer of its logs, and the acts of members and stewards on top of it."""
