"""pabutools (Rey et al.): budgets, in exact fractions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compare import Comparison, Found, Made
from pabutools.election import (
    ApprovalBallot,
    ApprovalProfile,
    Cardinality_Sat,
    Cost_Sat,
    Instance,
    Project,
)
from pabutools.rules import (
    exhaustion_by_budget_increase,
    greedy_utilitarian_welfare,
    method_of_equal_shares,
    sequential_phragmen,
)
from pabutools.tiebreaking import TieBreakingRule


def election(made: Made) -> tuple[Instance, ApprovalProfile]:
    projects = {name: Project(name, cost) for name, cost in zip(made["options"], made["costs"], strict=True)}
    instance = Instance(projects.values(), budget_limit=int(made["params"]["budget"]))
    profile = ApprovalProfile(
        [
            ApprovalBallot([projects[name] for name in answer])
            for answer, weight in made["votes"]
            for _ in range(weight)
        ],
        instance=instance,
    )
    return instance, profile


def by_support(made: Made) -> TieBreakingRule:
    """More approvals, lower cost, then the lot."""
    support = made["outcome"]["totals"]
    return TieBreakingRule(
        lambda _instance, _profile, project: (
            -int(support[project.name]),
            project.cost,
            made["lot"].index(project.name),
        )
    )


def _found(made: Made, selected: Any, reason: str = "") -> Found:
    return Found({project.name for project in selected}, set(made["outcome"]["winners"]), reason)


def _sat(made: Made) -> Any:
    return Cardinality_Sat if made["params"].get("utility") == "cardinality" else Cost_Sat


def shares(made: Made) -> Found:
    selected = method_of_equal_shares(*election(made), sat_class=_sat(made), tie_breaking=by_support(made))
    # In the order of purchase, too.
    return Found([project.name for project in selected], made["outcome"]["winners"])


def _raised(**more: Any) -> Callable[[Made], Found]:
    def compare(made: Made) -> Found:
        instance, profile = election(made)
        params = {"sat_class": Cost_Sat, "tie_breaking": by_support(made)}
        step = int(made["params"]["step"]) * profile.num_ballots()
        wanted = {project for ballot in profile for project in ballot}
        if sum(project.cost for project in wanted) <= instance.budget_limit:
            # No increment overspends: pabutools goes on up to a bound, we compute where it would end.
            return Found(set(made["outcome"]["winners"]), {project.name for project in wanted})
        selected = exhaustion_by_budget_increase(
            instance, profile, method_of_equal_shares, params, budget_step=step, budget_bound=10**6, **more
        )
        return _found(made, selected, "stops at an exhaustive outcome" if not more else "")

    return compare


def phragmen(made: Made) -> Found:
    lot = TieBreakingRule(lambda _instance, _profile, project: made["lot"].index(project.name))
    found = sequential_phragmen(*election(made), tie_breaking=lot)
    # It goes on to buy what nobody supports, while that fits.
    selected = [project for project in found if int(made["outcome"]["totals"][project.name])]
    tied = any(step["action"] == "tie" for step in made["outcome"]["steps"])
    return _found(made, selected, "any of the tied that does not fit ends it" if tied else "")


def greedy(made: Made) -> Found:
    selected = greedy_utilitarian_welfare(*election(made), sat_class=Cost_Sat, tie_breaking=by_support(made))
    return _found(made, selected)


COMPARISONS = [
    Comparison("pabutools method_of_equal_shares", ("equal-shares/cost", "equal-shares/cardinality"), shares),
    Comparison("pabutools budget increase", ("equal-shares/add1",), _raised(exhaustive_stop=False)),
    Comparison("pabutools budget increase, default", ("equal-shares/add1",), _raised()),
    Comparison("pabutools sequential_phragmen", ("phragmen",), phragmen),
    Comparison("pabutools greedy_utilitarian_welfare", ("greedy",), greedy),
]
