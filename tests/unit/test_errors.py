import pickle

import pytest

import governance.errors as errors
from governance.errors import GovernanceError


def walk(kind=GovernanceError):
    yield kind
    for child in kind.__subclasses__():
        yield from walk(child)


ALL = [kind for kind in walk() if kind.__module__ == errors.__name__]
FAMILIES = [errors.Malformed, errors.Refused, errors.Unavailable, errors.SetupFault, errors.IntegrityFault]


def test_every_class_of_the_module_is_one_of_ours():
    defined = {v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)}
    assert defined == set(ALL)


def test_codes_are_unique():
    codes = [kind.code for kind in ALL]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", ALL, ids=lambda k: k.code)
def test_code_title_and_status_are_usable_in_a_problem(kind):
    assert "code" in vars(kind), "an inherited code would say something else"
    assert kind.code == "".join(c for c in kind.code if c.islower() or c.isdigit() or c == "-")
    assert kind.title
    assert not kind.title.endswith(".")
    assert 400 <= kind.status < 600
    assert kind.__doc__


@pytest.mark.parametrize("kind", ALL[1:], ids=lambda k: k.code)
def test_every_class_belongs_to_one_family(kind):
    assert sum(issubclass(kind, family) for family in FAMILIES) == 1


@pytest.mark.parametrize(
    ("family", "statuses"),
    [
        (errors.Malformed, {400, 413}),
        (errors.Refused, {401, 403, 404, 405, 409, 422}),
        (errors.Unavailable, {429, 502, 503}),
    ],
)
def test_statuses_of_a_family(family, statuses):
    assert {kind.status for kind in ALL if issubclass(kind, family)} <= statuses


@pytest.mark.parametrize("kind", ALL, ids=lambda k: k.code)
def test_errors_cross_process_borders(kind):
    error = kind("what happened", pointer="/a/0", entry=7, known=["x"])
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.detail, again.pointer) == ("what happened", "what happened", "/a/0")
    assert again.facts == error.facts
    assert {"entry": 7, "known": ["x"]}.items() <= again.facts.items()


def test_retry_after_survives():
    error = pickle.loads(pickle.dumps(errors.QueueFull("full", retry_after=9)))
    assert (error.retry_after, error.facts["retry_after"]) == (9, 9)
    assert errors.Unavailable("busy").retry_after == 1
