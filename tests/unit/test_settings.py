"""Settings: defaults, environment, flags, and what is refused."""

import dataclasses
from pathlib import Path

import pytest

from governance.errors import SetupFault
from governance.settings import HELP, Settings, load


def test_defaults():
    settings = load({})
    assert settings == Settings()
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.data == Path("althing-data")


def test_environment_and_flags():
    environment = {
        "ALTHING_PORT": "9000",
        "ALTHING_NAME": "Here",
        "ALTHING_DATA": "/x",
        "HOME": "/root",
    }
    settings = load(environment, port=9001, host=None)
    assert (settings.port, settings.host, settings.name) == (9001, "127.0.0.1", "Here")
    assert settings.data == Path("/x")
    assert load({"ALTHING_HOST": "::1"}).base_url == "http://[::1]:8000"
    assert load({"ALTHING_URL": "https://vote.example/here"}).base_url == "https://vote.example/here"


@pytest.mark.parametrize(
    "environment",
    [
        {"ALTHING_PORT": "x"},
        {"ALTHING_PORT": "0"},
        {"ALTHING_PORT": "65536"},
        {"ALTHING_QUEUE": "0"},
        {"ALTHING_RATE": "-1"},
        {"ALTHING_URL": "ftp://x"},
        {"ALTHING_URL": "http://x/"},
        {"ALTHING_URL": "http://user@x"},
        {"ALTHING_PROT": "8000"},
        {"ALTHING_POST_QUANTUM": "yes"},
        {"ALTHING_EGRESS": "any"},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(environment):
    with pytest.raises(SetupFault):
        load(environment)


def test_every_setting_is_explained():
    assert set(HELP) == {f.name for f in dataclasses.fields(Settings)}
