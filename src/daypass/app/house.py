"""The services of one node, made of a store, the targets and the policies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from daypass.app.checking import Checked
from daypass.app.clock import CLOCK
from daypass.app.outside import make_on_call, make_tickets
from daypass.app.providing import make_provider
from daypass.app.telling import outlets_of
from daypass.credentials.interface import Credentials
from daypass.credentials.kinds import all_credentials
from daypass.credentials.secrets.sources import Secrets
from daypass.domain.people import OPERATOR
from daypass.identity.attempts import Attempts
from daypass.identity.passkeys import relying_party
from daypass.identity.passwords import Hashing
from daypass.ledger.locking import locking, unlocking
from daypass.ledger.published import PublishedLeaves
from daypass.services.admitting import Admitting
from daypass.services.bundles import Bundles
from daypass.services.clocks import Clocks
from daypass.services.codes import Codes
from daypass.services.consoles import ConsoleDesk
from daypass.services.deliberation import Deliberation
from daypass.services.departing import Departing
from daypass.services.devices import Devices
from daypass.services.directory import Directory
from daypass.services.directory_reading import Rules
from daypass.services.doubts import Doubts
from daypass.services.duties import Duties
from daypass.services.endings import Endings
from daypass.services.erasing import Erasing, Order
from daypass.services.evaluating import Evaluating
from daypass.services.extending import Moving
from daypass.services.favourites import Favourites
from daypass.services.following import Following
from daypass.services.glass import Glass
from daypass.services.grants import Grants
from daypass.services.heralding import Heralding
from daypass.services.inbox import Inbox
from daypass.services.indexing import Indexing
from daypass.services.interface import Live
from daypass.services.locking import Locks
from daypass.services.nodes import Nodes
from daypass.services.office import Office
from daypass.services.passkeys import Passkeys
from daypass.services.passwords import Passwords
from daypass.services.patrol import Patrol
from daypass.services.people import People
from daypass.services.provider_sign_in import ProviderSignIn
from daypass.services.reading import Reading
from daypass.services.recordings import Recordings
from daypass.services.recovery import Recovery
from daypass.services.refusals import Refusals
from daypass.services.reminding import Reminding
from daypass.services.requests import Requests
from daypass.services.revoking import Revoking
from daypass.services.sealing import Sealing, kept_in
from daypass.services.searching import Searching
from daypass.services.sessions import Sessions
from daypass.services.signing import Signing
from daypass.services.snippets import Snippets
from daypass.services.starting import Starting
from daypass.services.ticketing import Ticketing
from daypass.services.tightening import Tightening
from daypass.services.tokens import Tokens
from daypass.services.visiting import Visits
from daypass.services.vouching import Vouchings
from daypass.store.interface import Store


def wall_ms() -> int:
    """Milliseconds since 1970, by a clock that nobody sets while we run."""
    return CLOCK.now_ms()


@dataclass(frozen=True, slots=True)
class House:
    """Every service there is, over one office. `live` is where the gateway is put once it is there."""

    office: Office
    live: Live
    starting: Starting
    people: People
    tokens: Tokens
    requests: Requests
    endings: Endings
    grants: Grants
    sessions: Sessions
    recovery: Recovery
    clocks: Clocks
    reading: Reading
    recordings: Recordings
    patrol: Patrol
    credentials: Credentials
    tightening: Tightening
    nodes: Nodes
    moving: Moving
    searching: Searching
    indexing: Indexing
    erasing: Erasing
    duties: Duties
    glass: Glass
    codes: Codes
    signing: Signing
    ticketing: Ticketing
    inbox: Inbox
    locks: Locks
    revoking: Revoking
    visits: Visits
    attempts: Attempts
    provided: ProviderSignIn
    devices: Devices
    directory: Directory
    following: Following
    sealing: Sealing
    passkeys: Passkeys
    passwords: Passwords
    vouchings: Vouchings
    deliberation: Deliberation
    evaluating: Evaluating
    bundles: Bundles
    favourites: Favourites
    console_desk: ConsoleDesk
    snippets: Snippets
    doubts: Doubts

    async def issue(self, email: str, lasts_ms: int, label: str, scopes: list[str]) -> dict[str, object]:
        """A new token for the person with this address, by the operator."""
        person = await self.people.by_email(email)
        issued = await self.tokens.issue(person.id, OPERATOR, label=label, lasts_ms=lasts_ms, scopes=scopes)
        return {
            "id": issued.token.id,
            "state": "LIVE",
            "token": issued.secret,
            "email": person.email,
            "expires_at": issued.token.expires_at,
            "scopes": list(issued.token.scopes),
        }

    async def set_password(self, email: str, lasts_ms: int, remove: bool) -> dict[str, object]:
        """A link by which somebody sets their password, or their password taken away, by the operator."""
        if remove:
            person = await self.passwords.remove(email)
            return {"id": person.email, "state": "REMOVED"}
        made = await self.passwords.invite(email, lasts_ms)
        return {"id": made.person.email, "state": "INVITED", "link": made.link, "expires_at": made.expires_at}

    async def seal_codes(self, target: str, count: int) -> dict[str, object]:
        """Sealed one-time codes that break the glass of a target, by the operator."""
        made = await self.codes.make(target, count)
        return {"id": made.target, "state": "SEALED", "codes": list(made.codes), "expires_at": made.expires_at}

    async def keep_secret(self, word: str, name: str, value: str) -> dict[str, object]:
        """Set, remove or list sealed secrets, by the operator."""
        if word == "list":
            return {"id": "secrets", "state": "LISTED", "names": list(await self.sealing.names())}
        if word == "remove":
            await self.sealing.remove(name)
            return {"id": name, "state": "REMOVED"}
        return {"id": name, "state": await self.sealing.set(name, value)}

    async def erase(self, order: Order, reason: str, dry_run: bool) -> dict[str, object]:
        """Erase what people wrote, by the operator."""
        return await self.erasing.erase(order, reason, dry_run=dry_run)

    async def reindex(self, identities: str | None) -> dict[str, object]:
        """Make the search index anew, by the operator."""
        done = await self.indexing.rebuild(unlocking(identities) if identities else None)
        return {"id": "index", "state": "REBUILT", **done}


def _make_office(store: Store, checked: Checked) -> Office:
    """What all services share, with what it tells people."""
    office = Office(
        store,
        wall_ms,
        os.urandom,
        checked.targets,
        owners=checked.settings.group_owners,
        lock=locking(checked.settings.recipients),
        tickets=make_tickets(checked.settings),
        on_call=make_on_call(checked.settings),
        standing=checked.settings.standing,
        duties_of={one.group: one.name for one in checked.settings.on_call if one.group},
        channels=outlets_of(checked.settings),
    )
    office.heralds.append(Heralding(office).herald)
    return office


def make_house(store: Store, checked: Checked) -> House:
    """Make the services. Nothing is read or written yet."""
    office = _make_office(store, checked)
    secrets = Secrets(checked.settings.secrets, partial(kept_in, store))
    live, credentials, refusals = Live(), all_credentials(secrets), Refusals(office)
    tokens, requests, deliberation = Tokens(office), Requests(office), Deliberation(office)
    endings = Endings(office, credentials, live)
    visits = Visits(office, tokens)
    revoking = Revoking(office, endings, visits)
    office.listeners.append(revoking.listen)
    locks, grants = Locks(office, endings), Grants(office, endings)
    recordings = Recordings(office)
    party = relying_party(checked.settings.public_url, checked.settings.site)
    passkeys = Passkeys(office, tokens, visits, party, local=checked.settings.local)
    starting, moving = Starting(office), Moving(office, credentials, live)
    office.listeners.append(moving.listen)
    recovery = Recovery(office, credentials, endings, live)
    patrol, duties = Patrol(office, credentials), Duties(office, endings)
    glass = Glass(office, endings, duties)
    codes = Codes(office, tokens, glass)
    sessions = Sessions(office, tokens, Admitting(office, tokens, credentials), endings, refusals, codes)
    tightening = Tightening(office, starting, endings)
    reminding = Reminding(office, checked.settings.notify.ending_soon_ms)
    departing = Departing(office, endings, tightening, visits)
    doubts = Doubts(office, credentials, live)
    clocks = Clocks(
        office,
        requests,
        grants,
        endings,
        refusals,
        recovery,
        patrol,
        duties,
        reminding,
        locks,
        revoking,
        departing,
        doubts,
    )
    return House(
        office=office,
        live=live,
        starting=starting,
        people=People(office),
        tokens=tokens,
        requests=requests,
        endings=endings,
        grants=grants,
        sessions=sessions,
        recovery=recovery,
        clocks=clocks,
        reading=Reading(office),
        recordings=recordings,
        patrol=patrol,
        credentials=credentials,
        tightening=tightening,
        nodes=Nodes(office, credentials, recovery),
        moving=moving,
        searching=Searching(office, PublishedLeaves(checked.settings.data / "ledger"), recordings),
        indexing=Indexing(office),
        erasing=Erasing(office),
        duties=duties,
        glass=glass,
        codes=codes,
        signing=Signing(office),
        ticketing=Ticketing(office, endings),
        inbox=Inbox(office),
        locks=locks,
        revoking=revoking,
        visits=visits,
        attempts=Attempts(),
        provided=ProviderSignIn(
            office, tokens, visits, revoking, tightening, make_provider(checked.settings), checked.settings.public_url
        ),
        devices=Devices(office, tokens),
        directory=Directory(office, departing, _rules(checked)),
        following=Following(office, recordings),
        sealing=Sealing(office, secrets.sealer),
        passkeys=passkeys,
        passwords=Passwords(
            office,
            visits,
            passkeys,
            Hashing(office.entropy),
            checked.settings.public_url,
            local=checked.settings.local,
        ),
        vouchings=Vouchings(office),
        deliberation=deliberation,
        evaluating=Evaluating(office, deliberation),
        bundles=Bundles(office, requests),
        favourites=Favourites(office, requests),
        console_desk=ConsoleDesk(office, tokens, visits),
        snippets=Snippets(office),
        doubts=doubts,
    )


def _rules(checked: Checked) -> Rules | None:
    """What the settings let a directory do; None: there is none."""
    scim = checked.settings.scim
    return Rules(scim.adopt, scim.external_id_is_subject, scim.shared_groups) if scim is not None else None
