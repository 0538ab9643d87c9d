"""`python -m windlass_chat`, the same as the command `windlass`."""

import sys

from windlass_chat.cli import main

if __name__ == "__main__":
    sys.exit(main())
