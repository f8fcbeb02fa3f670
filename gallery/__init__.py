"""`make screenshots`: one picture a page of the app, of a desk that the demo has filled."""
