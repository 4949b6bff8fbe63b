"""Every promise, over every callable: calls.py describes what there is."""
