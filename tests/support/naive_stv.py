"""The rules that exclude and transfer once more, paper by paper in decimal numbers, slowly.

They share no code with governance.counting, so that agreement means something. `lot` is strongest first.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction

Papers = list[list[str]]


def pick(tied: list[str], history: list[dict[str, Decimal]], lot: list[str], lowest: bool) -> str:
    """One of the tied: as they were in the latest round that differs among those still in question."""
    while len(tied) > 1 and history:
        votes = history[-1]
        extreme = sorted((votes[c] for c in tied), reverse=not lowest)[0]
        tied, history = [c for c in tied if votes[c] == extreme], history[:-1]
    return sorted(tied, key=lot.index, reverse=lowest)[0]


def irv(lot: list[str], papers: Papers) -> tuple[str, list[dict[str, Decimal]]]:
    left, history = set(lot), []
    while True:
        votes = {c: Decimal(0) for c in lot}
        for paper in papers:
            top = next((c for c in paper if c in left), None)
            if top:
                votes[top] += 1
        history.append(votes)
        leader = max(left, key=lambda c: votes[c])
        if 2 * votes[leader] > sum(votes.values()) or len(left) == 1:
            return leader, history
        if len(left) == 2:
            return pick([c for c in left if votes[c] == votes[leader]], history, lot, lowest=False), history
        least = min(votes[c] for c in left)
        left.remove(pick([c for c in left if votes[c] == least], history, lot, lowest=True))


def scottish(lot: list[str], papers: Papers, seats: int) -> tuple[list[str], list[dict[str, Decimal]]]:
    """The elected in order, and everybody's votes after each stage (SSI 2007/42)."""
    hopeful, elected, pending = set(lot), [], []
    place = [0 for _ in papers]
    value = [Decimal(1) for _ in papers]
    votes = {c: Decimal(0) for c in lot}
    for paper in papers:
        if paper:
            votes[paper[0]] += 1
    quota = int(sum(votes.values())) // (seats + 1) + 1
    history = [dict(votes)]

    def hand_on(giver: str) -> None:
        for i, paper in enumerate(papers):
            if place[i] < len(paper) and paper[place[i]] == giver:
                while place[i] < len(paper) and paper[place[i]] not in hopeful:
                    place[i] += 1
                if place[i] < len(paper):
                    votes[paper[place[i]]] += value[i]

    while True:
        reached = sorted((c for c in hopeful if votes[c] >= quota), key=lambda c: (-votes[c], lot.index(c)))
        elected += reached
        pending += reached
        hopeful -= set(reached)
        if len(elected) == seats:
            return elected, history
        if len(hopeful) <= seats - len(elected):
            return elected + sorted(hopeful, key=lambda c: (-votes[c], lot.index(c))), history
        if pending:
            top = max(votes[c] for c in pending)
            giver = pick([c for c in pending if votes[c] == top], history, lot, lowest=False)
            pending.remove(giver)
            surplus = votes[giver] - quota
            if surplus:
                for i, paper in enumerate(papers):
                    if place[i] < len(paper) and paper[place[i]] == giver:
                        exact = Fraction(value[i]) * Fraction(surplus) / Fraction(votes[giver])
                        value[i] = Decimal(exact.numerator * 10**5 // exact.denominator).scaleb(-5)
                hand_on(giver)
                votes[giver] = Decimal(quota)
        else:
            least = min(votes[c] for c in hopeful)
            loser = pick([c for c in hopeful if votes[c] == least], history, lot, lowest=True)
            hopeful.remove(loser)
            hand_on(loser)
            votes[loser] = Decimal(0)
        history.append(dict(votes))


def meek(lot: list[str], papers: Papers, seats: int) -> tuple[set[str], dict[str, Decimal]]:
    """The elected and the final votes by the PR Foundation's reference rule, in decimals of nine places."""
    with localcontext() as context:
        context.prec = 60
        return _meek(lot, papers, seats)


def _meek(lot: list[str], papers: Papers, seats: int) -> tuple[set[str], dict[str, Decimal]]:
    nine = Decimal("0.000000001")
    keep = {c: Decimal(1) for c in lot}
    hopeful, elected = set(lot), set()
    votes = {c: Decimal(sum(1 for p in papers if p and p[0] == c)) for c in lot}
    while len(hopeful) > seats - len(elected) > 0:
        last = None
        while True:
            votes = {c: Decimal(0) for c in lot}
            for paper in papers:
                weight = Decimal(1)
                for c in paper:
                    kept = (weight * keep[c]).quantize(nine, ROUND_CEILING)
                    votes[c] += kept
                    weight -= kept
            quota = (sum(votes.values()) / (seats + 1)).quantize(nine, ROUND_FLOOR) + nine
            reached = {c for c in hopeful if votes[c] >= quota}
            elected |= reached
            hopeful -= reached
            surplus = max(sum(votes[c] - quota for c in elected), Decimal(0))
            if reached or surplus < Decimal("0.000001") or (last is not None and surplus >= last):
                break
            last = surplus
            for c in elected:
                keep[c] = ((keep[c] * quota).quantize(nine, ROUND_CEILING) / votes[c]).quantize(
                    nine, ROUND_CEILING
                )
        if not reached:
            least = min(votes[c] for c in hopeful)
            loser = max((c for c in hopeful if votes[c] <= least + surplus), key=lot.index)
            hopeful.remove(loser)
            keep[loser] = votes[loser] = Decimal(0)
    if len(elected) < seats:
        return elected | hopeful, votes
    return elected, {c: Decimal(0) if c in hopeful else votes[c] for c in votes}


def phragmen(
    lot: list[str], cost: dict[str, int], voters: list[set[str]], budget: int, skip: bool
) -> list[str]:
    """Purse by purse: all purses fill at one speed, supporters empty theirs."""
    purse = [Fraction(0) for _ in voters]
    bought: list[str] = []
    wanted = [c for c in lot if cost[c] <= budget and any(c in voter for voter in voters)]
    while wanted:
        waits = []
        for c in wanted:
            fans = [purse[i] for i, voter in enumerate(voters) if c in voter]
            waits.append((Fraction(cost[c] - sum(fans)) / len(fans), lot.index(c), c))
        wait, _, c = min(waits)
        wanted.remove(c)
        if cost[c] > budget:
            if not skip:
                return bought
            continue
        purse = [0 if c in voter else money + wait for money, voter in zip(purse, voters, strict=True)]
        budget -= cost[c]
        bought.append(c)
    return bought
