"""Strategies on `BaseStrategy`."""

import warnings

# Before Backtrader is first imported: its docstrings hold escapes that Python 3.12 and later warn about when
# they compile it, and it calls datetime.utcnow() twice a bar.
for _category in (SyntaxWarning, DeprecationWarning):
    warnings.filterwarnings("ignore", category=_category, module=r"(.*[/.])?backtrader([/.].*)?$")
