"""Answers on one page of HTML that a person can read, print and send."""

from __future__ import annotations

from crystalsym.reports._writing_reports import write_report

__all__ = ["write_report"]
