"""Run the command line with ``python -m prefdata``."""

from prefdata.cli.main import main

if __name__ == "__main__":
    main()
