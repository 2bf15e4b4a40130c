"""`python -m jaxscale`: the command line."""

from jaxscale.cli import main

if __name__ == "__main__":
    main()
