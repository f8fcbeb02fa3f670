"""Tables are printed whole: aligned, never wrapped, without blanks at the end of a line."""

from runners.cli.text_table import text_table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert text_table(("name", "bars"), [("AAPL", "3,270"), ("X", "1")], right=("bars",)) == (
        "name   bars\n"
        "----  -----\n"
        "AAPL  3,270\n"
        "X         1"
    )  # fmt: skip


def test_a_table_without_rows_has_its_headings() -> None:
    assert text_table(("a", "b"), []) == "a  b\n-  -"
