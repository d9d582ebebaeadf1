"""A home: its folder, its warehouse, the journal and the ledger, the steps from one layout to the next."""
