"""The operator's verbs `backup` and `restore`."""

from __future__ import annotations

import argparse
from pathlib import Path

from daypass.cli.operating import add_config, settings_of
from daypass.cli.showing import as_json
from daypass.cli.verbs import EXIT_DONE, Verb

MORE = """\
backup may run beside the gateway. restore wants an empty data directory and a stopped gateway. With a store in
PostgreSQL, dump that database right after the backup and load it before the restored gateway starts: docs/ledger.md."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder of the backup")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _backup(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import back_up

    done = back_up(settings, given.folder)
    if given.json:
        as_json(done)
    else:
        print(f"{given.folder} holds keys, log and journal" + (" and store." if done["state"] == "COMPLETE" else "."))
        if done["state"] != "COMPLETE":
            print(f"Now dump the store: pg_dump -Fc -f {given.folder / 'store.dump'} DATABASE")
    return EXIT_DONE


def _restore(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from daypass.app import restore

    done = restore(settings, given.folder)
    if given.json:
        as_json(done)
    else:
        print(f"{done['id']} is as it was backed up. If more was published since, bring those files into its ledger")
        print("folder first, then: daypass ledger recover")
    return EXIT_DONE


VERBS = {"backup": Verb(_arguments, _backup, more=MORE), "restore": Verb(_arguments, _restore, more=MORE)}
