"""`python -m reslab` is the command `reslab`."""

from reslab.cli.main import main

if __name__ == "__main__":
    main()
