"""Equal answers are added up, and the order of arrival leaves no trace."""

from governance.counting import Profile


def test_groups_equal_answers() -> None:
    profile = Profile.from_answers(
        [(["b", "a"], 2), (["b", "a"], 3), ({"x": 1, "y": 2}, 1), ({"y": 2, "x": 1}, 4)]
    )
    assert profile.groups == ((["b", "a"], 5), ({"x": 1, "y": 2}, 5))
    assert (profile.valid, profile.blank, profile.turnout, profile.electorate) == (10, 0, 10, 10)


def test_order_of_arrival_leaves_no_trace() -> None:
    answers = [(["a"], 1), (["b"], 2), (None, 3), ([["a", "b"], "c"], 1), ("yes", 1)]
    assert Profile.from_answers(answers) == Profile.from_answers(reversed(answers))


def test_blank_votes_count_for_turnout_only() -> None:
    profile = Profile.from_answers([("yes", 4), (None, 3), (None, 2)], electorate=20)
    assert (profile.valid, profile.blank, profile.turnout, profile.electorate) == (4, 5, 9, 20)


def test_weights_beyond_machine_integers() -> None:
    assert Profile.from_answers([("yes", 2**128), ("yes", 1)]).valid == 2**128 + 1
