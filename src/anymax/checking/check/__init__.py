"""The checker: whether a backward is a derivative, and the name of the mistake."""

from anymax.checking.check.check import check as check
from anymax.checking.check.report import CheckError as CheckError
from anymax.checking.check.report import Finding as Finding
from anymax.checking.check.report import Report as Report
