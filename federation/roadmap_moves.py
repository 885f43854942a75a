"""Which name of an item is its present one, by what both logs say about each move (decision 0022)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from federation.roadmap_views import Conflict, SourceView
from governance.replay.ownership import AnswerRecord, OfferRecord, global_name

Views = Mapping[str, SourceView]
"""By place (`<instance id>/<space>`)."""


def place_of(name: str) -> str:
    """The place that a global name begins with."""
    return name.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody's word that an item moved; `against` says why it cannot be true, None when it can.

    `at` is when it was accepted, or offered where only the former home says so.
    """

    old: str
    new: str
    offer: str
    at: int
    mark: str | None = None
    against: str | None = None


@dataclass(slots=True)
class Moves:
    """The moves that hold, by former name, and the claims that contradict each other."""

    onward: dict[str, Move] = field(default_factory=dict)
    back: dict[str, Move] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    def resolve(self, name: str) -> str:
        """The present name; there are no circles among the moves that hold."""
        while name in self.onward:
            name = self.onward[name].new
        return name

    def history(self, name: str) -> list[Move]:
        """The moves that led to a name, oldest first."""
        found: list[Move] = []
        while name in self.back:
            found.append(self.back[name])
            name = found[-1].old
        return found[::-1]


@dataclass(frozen=True, slots=True)
class _Known:
    """Offers, and acceptances, by the place that states them and the offer's digest."""

    offers: dict[tuple[str, str], OfferRecord]
    accepted: set[tuple[str, str]]

    @classmethod
    def of(cls, views: Views) -> _Known:
        return cls(
            {(view.place, o.digest): o for view in views.values() for o in view.offers},
            {(view.place, a.offer) for view in views.values() for a in view.answers if a.item is not None},
        )


def find_moves(views: Views) -> Moves:
    """All moves that somebody states: those that nothing contradicts, and the conflicts."""
    known = _Known.of(views)
    claims = {(m.old, m.new): m for view in views.values() for m in _departures(view, views, known)}
    # What the present home says goes first: the proof of the offer is with it.
    claims |= {(m.old, m.new): m for view in views.values() for m in _arrivals(view, views, known)}
    moves = Moves()
    standing = []
    for _, move in sorted(claims.items()):
        if move.against is None:
            standing.append(move)
        else:
            moves.conflicts.append(Conflict(sorted((move.old, move.new)), move.against))
    standing = _alone(standing, lambda m: m.old, lambda m: m.new, "several homes claim this item", moves)
    standing = _alone(standing, lambda m: m.new, lambda m: m.old, "several items claim this name", moves)
    moves.onward = {move.old: move for move in standing}
    for circle in _circles(moves.onward):
        moves.conflicts.append(Conflict(circle, "these moves lead in a circle"))
        for name in circle:
            del moves.onward[name]
    moves.back = {move.new: move for move in moves.onward.values()}
    moves.conflicts.sort()
    return moves


def _arrivals(view: SourceView, views: Views, known: _Known) -> Iterator[Move]:
    """What the view's space has accepted, compared with the logs of those who offered it."""
    for answer in view.answers:
        old = answer.former
        if old is not None:
            giver = views.get(place_of(old))
            mark, against = _offered(answer, view, giver, known)
            yield Move(old, f"{view.place}/{answer.item}", answer.offer, answer.at, mark, against)


def _offered(
    answer: AnswerRecord, taker: SourceView, giver: SourceView | None, known: _Known
) -> tuple[str | None, str | None]:
    """(mark, why it cannot be true) of an acceptance."""
    if giver is None:
        return "unverified", None
    if (giver.origin, giver.vkey) != (answer.origin, answer.vkey):
        return None, f"{taker.origin} accepted it from a log or under a key that is not {giver.origin}'s"
    offer = known.offers.get((giver.place, answer.offer))
    if offer is None:
        why = f"{taker.origin} accepted it by an offer that the log {giver.origin} does not have"
        return _missing(giver, answer.offer_index, why)
    if offer.closed is not None and offer.closed.home != f"{taker.place}/{answer.item}":
        return None, f"{giver.origin} has another answer to its offer than the log {taker.origin}"
    return None, None


def _departures(view: SourceView, views: Views, known: _Known) -> Iterator[Move]:
    """What the view's space says has moved, compared with the logs of those who took it."""
    for offer in view.offers:
        if offer.closed is None or offer.closed.home is None:
            continue
        home = offer.closed.home
        taker = views.get(place_of(home))
        mark, against = _taken(offer, offer.closed.answer_index, view, taker, known)
        said = offer.statement
        yield Move(global_name(said), home, offer.digest, said.offered_at, mark, against)


def _taken(
    offer: OfferRecord, index: int, giver: SourceView, taker: SourceView | None, known: _Known
) -> tuple[str | None, str | None]:
    to = offer.statement.to
    if taker is None:
        return "unfollowed", None
    if (taker.origin, taker.vkey) != (to.origin, to.vkey):
        return None, f"{giver.origin} gave it to a log or under a key that is not {taker.origin}'s"
    if (taker.place, offer.digest) in known.accepted:
        return None, None
    why = f"{giver.origin} says that {taker.origin} accepted it, whose log does not"
    return _missing(taker, index, why)


def _missing(view: SourceView, index: int, why: str) -> tuple[str | None, str | None]:
    """A proven entry is not in our copy: that is shorter, or cannot be read, or tells another story."""
    if view.size <= index:
        return "stale", None
    return ("unverified", None) if view.skipped else (None, why)


def _alone(
    claims: Iterable[Move], key: Callable[[Move], str], other: Callable[[Move], str], why: str, moves: Moves
) -> list[Move]:
    """The claims that no other one contradicts."""
    grouped = defaultdict(list)
    for move in claims:
        grouped[key(move)].append(move)
    for name, group in grouped.items():
        if len(group) > 1:
            moves.conflicts.append(Conflict(sorted({name, *map(other, group)}), why))
    return [group[0] for group in grouped.values() if len(group) == 1]


def _circles(onward: Mapping[str, Move]) -> list[list[str]]:
    """Names from which the moves lead back to them; every name moves to one other at most."""
    found: list[list[str]] = []
    settled: set[str] = set()
    for start in sorted(onward):
        path: list[str] = []
        name = start
        while name in onward and name not in settled:
            settled.add(name)
            path.append(name)
            name = onward[name].new
        if name in path:
            found.append(sorted(path[path.index(name) :]))
    return found
