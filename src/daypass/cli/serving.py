"""`serve`: everything in one process, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse

from daypass.cli.operating import add_config, settings_of
from daypass.cli.verbs import Verb


def _serve(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import serve

    return serve(settings)


VERBS = {"serve": Verb(add_config, _serve, more="Leaves with 0 after SIGTERM, with 1 when the record cannot be kept.")}
