"""`python -m regnet` is the command `regnet`."""

from regnet.commands.app import main

if __name__ == "__main__":
    main()
