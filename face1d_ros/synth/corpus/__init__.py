"""Corpora on disk, and the test sets that are fixed once."""
