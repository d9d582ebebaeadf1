"""harmrank ranks the people who do most harm to women and girls, and explains every day of every score."""

__version__ = "0.1.0"
