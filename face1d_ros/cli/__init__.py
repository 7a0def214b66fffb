"""The command line: `face1d`. Nothing is imported before the command that needs it runs."""
