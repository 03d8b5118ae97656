"""`python -m daypass`."""

import sys

from daypass.cli import main

sys.exit(main())
