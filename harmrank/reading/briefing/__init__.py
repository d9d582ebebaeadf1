"""The paper for the monthly meeting as one page."""
