import json
import stat

import pytest

from governance.signing import keyfile
from tests.support.keys import openssh, ssh_private
from tests.support.server import Person


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path / "home")


@pytest.mark.parametrize("kind", ["ed25519", "hybrid"])
def test_a_new_key_is_readable_for_its_owner_alone_and_loads(person, kind):
    made = person.json("key", "new", "--kind", kind)
    path = person.home / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keyfile.load(path.read_bytes()).member_id == made["member"]
    assert made["suite"] == kind


def test_a_key_is_never_overwritten(person):
    person.do("key", "new")
    before = (person.home / "key").read_bytes()
    error = person.refused("key", "new")
    assert error["error"] == "already-exists"
    assert (person.home / "key").read_bytes() == before


def test_two_keys_differ(person):
    assert person.json("key", "new", "a")["member"] != person.json("key", "new", "b")["member"]


def test_an_ssh_key_is_taken_as_it_is(person, tmp_path):
    mine = tmp_path / "id_ed25519"
    mine.write_bytes(openssh(ssh_private("ed25519")))
    made = person.json("key", "new", "--ssh", mine)
    assert made["suite"] == "sshsig"
    assert (person.home / "key").read_bytes() == mine.read_bytes()
    assert person.json("key", "show")["member"] == made["member"]


def test_a_file_that_is_no_key_is_refused_and_nothing_is_written(person, tmp_path):
    public = tmp_path / "id.pub"
    public.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA me\n")
    assert person.refused("key", "new", "--ssh", public)["error"] == "malformed-key"
    assert not (person.home / "key").exists()


def test_without_a_key_the_way_to_one_is_named(person):
    result = person.run("key", "show")
    assert result.exit_code == 1
    assert "althing key new" in result.stderr
    assert "Traceback" not in result.output


def test_the_private_half_is_never_printed(person):
    said = person.do("key", "new") + person.do("key", "show")
    seed = json.loads((person.home / "key").read_bytes())["seed"]
    assert seed not in said
