"""Counting rules once more, written from their definitions, voter by voter, slowly.

They share no code with governance.counting, so that agreement means something.
"""

from __future__ import annotations

from fractions import Fraction

Voters = list[set[str]]


def approval_totals(options: list[str], voters: Voters) -> dict[str, int]:
    return {c: sum(1 for voter in voters if c in voter) for c in options}


def greedy(
    options: list[str], cost: dict[str, int], voters: Voters, budget: int, lot: list[str]
) -> list[str]:
    support = approval_totals(options, voters)
    taken: list[str] = []
    for c in sorted(options, key=lambda c: (-support[c], cost[c], lot.index(c))):
        if sum(cost[t] for t in taken) + cost[c] <= budget:
            taken.append(c)
    return taken


def least_rho(cost: int, utility: int, money: list[Fraction]) -> Fraction | None:
    """The least rho with sum(min(b, rho * utility)) = cost, by trying every number of voters who pay all."""
    if sum(money) < cost:
        return None
    ordered = sorted(money)
    for poor in range(len(ordered)):
        price = (cost - sum(ordered[:poor], Fraction(0))) / (len(ordered) - poor)
        if all(b <= price for b in ordered[:poor]) and all(b >= price for b in ordered[poor:]):
            return price / utility
    raise AssertionError("a price exists when the money suffices")


def equal_shares(
    cost: dict[str, int], voters: Voters, share: Fraction, by_cost: bool, lot: list[str]
) -> list[str]:
    money = [share for _ in voters]
    bought: list[str] = []
    while True:
        offers = []
        for c in lot:
            fans = [i for i, voter in enumerate(voters) if c in voter]
            if c in bought or not fans:
                continue
            rho = least_rho(cost[c], cost[c] if by_cost else 1, [money[i] for i in fans])
            if rho is not None:
                offers.append((rho, -len(fans), cost[c], lot.index(c), c))
        if not offers:
            return bought
        rho, _, _, _, c = min(offers)
        for i, voter in enumerate(voters):
            if c in voter:
                money[i] -= min(money[i], rho * (cost[c] if by_cost else 1))
        bought.append(c)


def add1(
    cost: dict[str, int], voters: Voters, budget: int, step: Fraction, by_cost: bool, lot: list[str]
) -> tuple[int, list[str]]:
    """The last increment before the first that overspends, and its outcome."""
    x, last = 0, equal_shares(cost, voters, Fraction(budget, len(voters)), by_cost, lot)
    while True:
        share = Fraction(budget, len(voters)) + (x + 1) * step
        outcome = equal_shares(cost, voters, share, by_cost, lot)
        if sum(cost[c] for c in outcome) > budget:
            return x, last
        x, last = x + 1, outcome
