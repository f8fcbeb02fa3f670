"""Trading: the strategy of a session, fed step by step from its recorded stream, and the paper broker.

Nothing is imported here: a strategy's process takes no module that talks to a database.
"""
