"""The published vector of the lot, and what its order does not depend on."""

from governance.counting import lot_key, lot_order, lot_seed

SEED = "f52e44d5dddc6600ebb2fdbf0c40d02071507566306769052ac2f6d5d9da54bb"


def test_published_vector() -> None:
    seed = lot_seed("space.example/2026Q1", bytes(range(32)))
    assert seed.hex() == SEED
    keys = {name: lot_key(seed, "q0", name).hex()[:8] for name in ("alice", "bob", "carol")}
    assert keys == {"alice": "342d6a57", "carol": "9f006f13", "bob": "a053e996"}
    assert lot_order(seed, "q0", ["carol", "bob", "alice"]) == ("alice", "carol", "bob")


def test_nonces_and_question_change_the_lot() -> None:
    seed = bytes.fromhex(SEED)
    assert lot_seed("space.example/2026Q1", bytes(range(32)), [b"n"]) != seed
    assert lot_key(seed, "q1", "alice") != lot_key(seed, "q0", "alice")


def test_lengths_keep_neighbouring_fields_apart() -> None:
    seed = bytes.fromhex(SEED)
    assert lot_key(seed, "q0a", "b") != lot_key(seed, "q0", "ab")
    assert lot_seed("ab", b"c") != lot_seed("a", b"bc")
