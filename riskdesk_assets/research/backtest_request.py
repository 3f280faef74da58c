"""What a backtest is asked for, and what that means: configuration, tickets as if in force, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.common.hashing import digest
from riskdesk_assets.common.settings import Config, Paths, load_config
from riskdesk_assets.research.mandates.request import mandate_notes, mandate_overrides, require_mandate, require_usable
from riskdesk_assets.research.variants import AS_CONFIGURED, Variant, variant_config
from riskdesk_assets.strategy.loading import TicketFolder, load_tickets

_PROFILE = "RISKDESK_PROFILE"


@dataclass(frozen=True)
class BacktestRequest:
    """A range of sessions and what to walk over it.

    ``profile`` and ``tickets`` None: those of the environment. ``overrides``: path -> value, laid over the configuration.
    ``candidates``: where not empty, a walk-forward over these variants (name -> overrides on top of ``overrides``).
    ``mandate``: the research mandate to walk in place of the desk's tickets.
    """

    first: date
    last: date
    name: str = AS_CONFIGURED
    profile: str | None = None
    tickets: Path | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    candidates: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    mandate: str | None = None

    def label(self, config: Config, tickets_hash: str) -> str:
        """A word a person recognizes, and a hash of the request that sets it apart: a partition key."""
        asked = [self.first, self.last, self.name, config.hash, tickets_hash, dict(self.overrides), dict(self.candidates)]
        kind = self.mandate or ("walkforward" if self.candidates else config.profile)
        return f"{self.first:%Y%m%d}-{self.last:%Y%m%d}-{kind}-{digest(asked)[:8]}"


@dataclass(frozen=True)
class Asked:
    """A request read against the environment: paths, configuration with the overrides laid over, tickets, candidates."""

    request: BacktestRequest
    paths: Paths
    config: Config
    folder: TicketFolder
    candidates: Mapping[str, Config]

    @property
    def label(self) -> str:
        """The request's partition key."""
        return self.request.label(self.config, self.folder.tickets_hash)

    @property
    def notes(self) -> tuple[str, ...]:
        """In sentences: which tickets were walked, and what of them was not applied."""
        if self.request.mandate is not None:
            return mandate_notes(self.config, self.request.mandate, len(self.folder.tickets))
        return ticket_notes(self.folder, self.request.first, self.request.last)


def read_request(request: BacktestRequest, paths: Paths, environ: Mapping[str, str]) -> Asked:
    """Everything a request names, before anything is computed.

    Raises:
        InputError: an unusable profile, mandate, override, or ticket file; every problem.
    """
    where = paths if request.tickets is None else replace(paths, tickets=request.tickets)
    base = load_config(where, {**environ, _PROFILE: request.profile} if request.profile else environ)
    if request.mandate is not None:
        require_mandate(base, request.mandate)
    config = _laid_over(base, Variant(request.name, request.overrides, "--set"), request.mandate, where.config)
    candidates = {
        name: variant_config(config, Variant(name, overrides, f"variant {name}"))
        for name, overrides in request.candidates.items()
    }
    folder = load_tickets(where.tickets, config.universe)
    if folder.problems:
        raise InputError(list(folder.problems))
    return Asked(request, where, config, folder, candidates)


def require_usable_variants(
    request: BacktestRequest, variants: Sequence[Variant], paths: Paths, environ: Mapping[str, str]
) -> None:
    """Refuse variants that cannot be laid over a request, each problem by its place in their file.

    Raises:
        InputError: an unusable request, or else variant; every problem, one that several points of a grid share only once.
    """
    config = read_request(request, paths, environ).config
    problems: dict[str, Problem] = {}
    for item in variants:
        try:
            _laid_over(config, item, request.mandate, paths.config)
        except InputError as error:
            for problem in error.problems:
                problems.setdefault(str(problem).replace(f"variant {item.name}: ", ""), problem)
    if problems:
        raise InputError(list(problems.values()))


def _laid_over(config: Config, variant: Variant, mandate: str | None, folder: Path) -> Config:
    """The configuration with a variant's values laid over, for the desk's own portfolio or for a mandate."""
    if mandate is None:
        return variant_config(config, variant)
    try:
        whole = replace(variant, overrides=mandate_overrides(variant.overrides, mandate, variant.where))
        changed = variant_config(config, whole, mandate)
        require_usable(changed, mandate, variant.where, folder)
    except InputError as error:
        raise InputError([variant.placed(problem) for problem in error.problems]) from error
    return changed


def as_if_in_force(folder: TicketFolder) -> TicketFolder:
    """The folder with tickets that wait for no day: as if in force from the first session on; they still expire."""
    tickets = tuple(replace(item, ticket=item.ticket.model_copy(update={"effective_from": None})) for item in folder.tickets)
    return replace(folder, tickets=tickets)


def ticket_notes(folder: TicketFolder, first: date, last: date) -> tuple[str, ...]:
    """What has to be said of tickets that are walked over sessions they may not have been written for."""
    count = len(folder.tickets)
    read = "ticket as it reads" if count == 1 else "tickets as they read"
    said = [
        f"{count} {read} now, as if in force on every session from {first} to {last}: what is known today may have shaped them."
    ]
    later = [item.ticket for item in folder.tickets if item.ticket.effective_from and item.ticket.effective_from > first]
    said += _listed("effective_from is not applied", [f"{ticket.ticket_id} ({ticket.effective_from})" for ticket in later])
    over = [item.ticket for item in folder.tickets if item.ticket.expires_on < last]
    said += _listed("expires within the range", [f"{ticket.ticket_id} ({ticket.expires_on})" for ticket in over])
    return tuple(said)


def _listed(what: str, names: Sequence[str]) -> list[str]:
    return [f"{what}: {', '.join(names)}."] if names else []
