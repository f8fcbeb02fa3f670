"""The command `backdesk`. Each module of this package is one command, or one family of them; `app` has the
list.

Nothing is imported here: whoever takes one module takes no other.
"""
