"""Charts of a result, drawn once for the page and the tear sheet.

They take rows of plain values, since a tear sheet is made where there may be no pandas; a session is a date
or its ISO text. Time is UTC's, as the bars are, whatever the browser's.
"""
