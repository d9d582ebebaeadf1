"""`python -m harmrank` is the same as `harmrank`."""

from harmrank.cli import main

main()
