"""Reports: one page of HTML that tells what was asked, what was found, and what it rests on."""

from regnet.reports.report import Report, report

__all__ = ["Report", "report"]
