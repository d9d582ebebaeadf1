"""harmrank: who does most harm to women and girls, ranked openly, every day of every score explained."""

__version__ = "0.1.0"
