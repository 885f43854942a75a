"""Circles in a graph: its strongly connected components of several nodes (Tarjan 1972, without recursion)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set


def cycles(edges: Mapping[str, Set[str]]) -> list[list[str]]:
    """Groups of nodes that reach each other, each ascending, ascending by their first node."""
    search = _Search(edges)
    for node in sorted(edges):
        if node not in search.number:
            search.visit(node)
    return sorted(search.found)


class _Search:
    def __init__(self, edges: Mapping[str, Set[str]]) -> None:
        self._edges = edges
        self.number: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._stack: list[str] = []
        self._waiting: set[str] = set()
        self.found: list[list[str]] = []

    def visit(self, start: str) -> None:
        """Everything that is reached from a node."""
        path: list[tuple[str, Iterator[str]]] = [self._enter(start)]
        while path:
            node, following = path[-1]
            step = next(following, None)
            if step is None:
                path.pop()
                if path:
                    above = path[-1][0]
                    self._low[above] = min(self._low[above], self._low[node])
                self._leave(node)
            elif step not in self.number:
                path.append(self._enter(step))
            elif step in self._waiting:
                self._low[node] = min(self._low[node], self.number[step])

    def _enter(self, node: str) -> tuple[str, Iterator[str]]:
        self.number[node] = self._low[node] = len(self.number)
        self._stack.append(node)
        self._waiting.add(node)
        return node, iter(sorted(self._edges.get(node, ())))

    def _leave(self, node: str) -> None:
        if self._low[node] != self.number[node]:
            return
        group = [self._stack.pop()]
        while group[-1] != node:
            group.append(self._stack.pop())
        self._waiting.difference_update(group)
        if len(group) > 1:
            self.found.append(sorted(group))
