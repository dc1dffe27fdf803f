"""Learned prices and times: from any measured table, scored on groups that were held out."""
