"""The database: SQLite by default, PostgreSQL by URL, one code for both (SQLAlchemy core, sync engine)."""
