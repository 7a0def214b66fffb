"""Enrolled identities: storage, protection, matching."""
