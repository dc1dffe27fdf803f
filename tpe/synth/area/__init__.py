"""Area and timing of mapped netlists: the table-lookup timer."""
