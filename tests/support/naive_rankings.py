"""Rules of rankings and grades once more, written from their definitions, voter by voter, slowly.

They share no code with governance.counting, so that agreement means something. A voter is a list of sets of
options, most wanted first.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise, permutations

Voter = list[set[str]]


def rank_of(voter: Voter, option: str) -> int | None:
    return next((rank for rank, names in enumerate(voter) if option in names), None)


def prefers(voter: Voter, a: str, b: str, below: bool) -> bool:
    first, second = rank_of(voter, a), rank_of(voter, b)
    if first is None:
        return False
    return below if second is None else first < second


def matrix(options: list[str], voters: list[Voter], below: bool = True) -> dict[tuple[str, str], int]:
    return {(a, b): sum(prefers(v, a, b, below) for v in voters) for a in options for b in options if a != b}


def condorcet_winner(options: list[str], voters: list[Voter]) -> str | None:
    d = matrix(options, voters)
    return next((a for a in options if all(d[a, b] > d[b, a] for b in options if a != b)), None)


def strongest_path(d: dict[tuple[str, str], int], options: list[str], a: str, b: str) -> tuple[int, int]:
    """The best of all simple paths. A strength is (winning votes, minus losing votes)."""
    best = (0, 0)
    between = [c for c in options if c not in (a, b)]
    for length in range(len(between) + 1):
        for middle in permutations(between, length):
            path = [a, *middle, b]
            links = list(pairwise(path))
            if all(d[x, y] > d[y, x] for x, y in links):
                best = max(best, min((d[x, y], -d[y, x]) for x, y in links))
    return best


def schulze(options: list[str], voters: list[Voter], below: bool = True) -> list[set[str]]:
    """Level by level: those that no other has a stronger path to."""
    d = matrix(options, voters, below)
    path = {(a, b): strongest_path(d, options, a, b) for a in options for b in options if a != b}
    rest = set(options)
    levels = []
    while rest:
        level = {a for a in rest if not any(path[b, a] > path[a, b] for b in rest if b != a)}
        levels.append(level)
        rest -= level
    return levels


def ranked_pairs(options: list[str], voters: list[Voter], lot: list[str]) -> set[str]:
    """The unbeaten of the locked majorities; cycles are looked for by walking."""
    d = matrix(options, voters)
    pairs = [(a, b) for a in options for b in options if a != b and d[a, b] > d[b, a]]
    pairs.sort(key=lambda p: (-d[p], d[p[1], p[0]], lot.index(p[0]), lot.index(p[1])))
    locked: set[tuple[str, str]] = set()

    def reaches(start: str, goal: str) -> bool:
        return start == goal or any(reaches(y, goal) for x, y in locked if x == start)

    for a, b in pairs:
        if not reaches(b, a):
            locked.add((a, b))
    return {c for c in options if all(loser != c for _, loser in locked)}


def copeland(options: list[str], voters: list[Voter]) -> dict[str, Fraction]:
    d = matrix(options, voters)
    half = Fraction(1, 2)
    return {
        a: sum(
            (Fraction(d[a, b] > d[b, a]) + half * (d[a, b] == d[b, a]) for b in options if b != a),
            Fraction(0),
        )
        for a in options
    }


def borda(options: list[str], voters: list[Voter], below: bool = True) -> dict[str, Fraction]:
    """By places: the options of a rank share the mean of m-1, m-2, … for the places that they take."""
    sums = dict.fromkeys(options, Fraction(0))
    for voter in voters:
        left = [set(names) for names in voter if names]
        missing = set(options).difference(*left) if left else set(options)
        ranks = [*left, missing] if below and missing else left
        top = sum(map(len, ranks)) - 1
        for names in ranks:
            share = Fraction(sum(range(top - len(names) + 1, top + 1)), len(names))
            for name in names:
                sums[name] += share
            top -= len(names)
    return sums


def positional(options: list[str], voters: list[Voter], points: list[Fraction]) -> dict[str, Fraction]:
    sums = dict.fromkeys(options, Fraction(0))
    for voter in voters:
        place = 0
        for names in voter:
            for name in names:
                sums[name] += sum(points[place : place + len(names)], Fraction(0)) / len(names)
            place += len(names)
    return sums


def majority_values(grades: dict[str, list[int]]) -> dict[str, list[int]]:
    """For each option the lower medians in the order in which they are removed."""
    values = {}
    for option, given in grades.items():
        left = sorted(given)
        values[option] = [left.pop((len(left) - 1) // 2) for _ in given]
    return values


def majority_judgment(grades: dict[str, list[int]], lot: list[str]) -> list[str]:
    values = majority_values(grades)

    def compare(a: str, b: str) -> int:
        if values[a] != values[b]:
            return -1 if values[a] > values[b] else 1
        return lot.index(a) - lot.index(b)

    return sorted(grades, key=cmp_to_key(compare))
