"""Evaluate and govern generated content: suites in, verdicts and evidence out."""

__version__ = "0.1.0"
