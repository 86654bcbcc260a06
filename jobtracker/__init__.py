"""The tracker: jobs as rows, their life, their workers and their pages."""

__version__ = "0.1.0"
