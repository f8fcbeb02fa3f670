"""The link to Interactive Brokers: it carries out what SQL allowed and writes down what the broker says."""
