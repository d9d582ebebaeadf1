"""`python -m harmrank` is the same as `harmrank`."""

from harmrank.cli.main import main

main()
