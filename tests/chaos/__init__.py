"""The fault harness: `python -m tests.chaos --help`; docs/reliability.md says what it proves."""
