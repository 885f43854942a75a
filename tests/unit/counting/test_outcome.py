"""Numbers as text, and groups of equals."""

from fractions import Fraction

from governance.counting.outcome import elect, exact, rounded, tie_groups


def test_exact_numbers() -> None:
    assert exact(Fraction(1300)) == "1300"
    assert exact(Fraction(3, 8)) == "3/8"


def test_a_fraction_of_very_many_digits_is_cut_and_says_so() -> None:
    assert exact(Fraction(1, 3)) == "1/3"
    assert exact(Fraction(10**3000 + 1, 3 * 10**3000)) == "0." + 30 * "3" + "…"


def test_rounded_numbers_are_cut_off() -> None:
    assert rounded(Fraction(2, 3)) == "0.666666"
    assert rounded(Fraction(500)) == "500"
    assert rounded(Fraction(1, 10**7)) == "0"
    assert rounded(Fraction(2**200)) == str(2**200)


def test_groups_from_strong_to_weak_in_lot_order() -> None:
    strength = {"a": 1, "b": 2, "c": 1}
    assert tie_groups("abc", strength.__getitem__, ["c", "a", "b"]) == [["b"], ["c", "a"]]


def test_elect_logs_only_a_tie_across_the_last_place() -> None:
    winners, steps = elect([["b"], ["c", "a"]], 2, "marks")
    assert winners == ["b", "c"]
    assert [step.note for step in steps] == [
        "2 options tie on marks for 1 place; the lot decided.",
        "The first 2 places of the order.",
    ]
    assert [step.action for step in elect([["b"], ["c", "a"]], 3)[1]] == ["elect"]
