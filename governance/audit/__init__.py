"""The audit: public bytes in, verdict out; no database, no network, no trust in the instance (DESIGN 9)."""
