"""`python -m regnet` is the command `regnet`."""

from regnet.cli import main

if __name__ == "__main__":
    main()
