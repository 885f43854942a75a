"""What an operator gets, as far as it can be checked without a container engine or a running systemd."""

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance import limits
from governance.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}
FILES = sorted(path.name for path in DEPLOY.iterdir() if path.is_file() and not path.name.startswith(".env"))
URL = "https://vote.example.org"


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def instructions() -> list[tuple[str, str]]:
    """The instructions of the container file, continuation lines joined."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def unit() -> dict[str, list[str]]:
    """The keys of the systemd unit; a key may stand more than once."""
    keys: dict[str, list[str]] = {}
    for line in (DEPLOY / "althing.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys.setdefault(key, []).append(value)
    return keys


@pytest.mark.parametrize("name", FILES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", (DEPLOY / name).read_text()))
    assert named <= SETTINGS


def test_the_container_copies_only_what_exists() -> None:
    made_by_the_build = {"governance/web_dist"}
    for instruction, rest in instructions():
        if instruction == "COPY" and "--from=" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists() or source == "README.md", source
        elif instruction == "COPY":
            assert rest.split()[-1] in made_by_the_build | {"/opt/althing"}


def test_the_container_runs_as_nobody_special_with_its_data_in_a_volume() -> None:
    last_stage = instructions()[max(i for i, (name, _) in enumerate(instructions()) if name == "FROM") :]
    stage = dict(last_stage)
    assert stage["FROM"].startswith("docker.io/library/python:3.11-slim")
    assert stage["USER"] == "10001"
    assert stage["VOLUME"] == "/data"
    assert stage["CMD"] == '["althing", "serve", "--host", "0.0.0.0", "--data", "/data"]'
    assert "/healthz" in stage["HEALTHCHECK"]
    order = [name for name, _ in last_stage]
    assert order.index("RUN") < order.index("USER") < order.index("VOLUME") < order.index("CMD")


def test_the_health_check_is_python() -> None:
    check = next(rest for name, rest in instructions() if name == "HEALTHCHECK")
    interpreter, flag, code = yaml.safe_load(check[check.index("[") :])
    assert (interpreter, flag) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")


def test_compose_shows_only_the_proxy_to_the_world(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"althing", "postgres", "caddy"}
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    assert services["postgres"]["networks"] == ["inside"]
    assert compose["networks"]["inside"] == {"internal": True}
    assert services["postgres"]["image"].endswith("postgres:15")
    for service in services.values():
        assert "no-new-privileges:true" in service["security_opt"]
        assert service["restart"] == "unless-stopped"


def test_compose_starts_in_order_of_health(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["althing"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert services["caddy"]["depends_on"] == {"althing": {"condition": "service_healthy"}}
    for name in ("postgres", "caddy"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_compose_refers_only_to_what_is_there(compose: dict[str, Any]) -> None:
    mounts = [mount.split(":")[0] for service in compose["services"].values() for mount in service["volumes"]]
    files = {mount for mount in mounts if mount.startswith(".")}
    assert set(mounts) - files == set(compose["volumes"])
    assert all((DEPLOY / file).is_file() for file in files)
    build = compose["services"]["althing"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
    networks = {network for service in compose["services"].values() for network in service["networks"]}
    assert networks == set(compose["networks"])


def test_secrets_come_from_the_environment_file_and_have_no_default(compose: dict[str, Any]) -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    given = re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "example.env").read_text(), re.MULTILINE)
    assert {name for name, _ in given} == set(re.findall(r"\$\{([A-Z_]+)", text))
    assert dict(given)["POSTGRES_PASSWORD"] == ""
    assert "${ALTHING_URL:?" in text
    assert "${POSTGRES_PASSWORD:?" in text
    caddy = compose["services"]["caddy"]["environment"]
    assert "POSTGRES_PASSWORD" not in " ".join([*caddy, *caddy.values()])


def test_the_instance_accepts_the_settings_of_compose(compose: dict[str, Any]) -> None:
    from sqlalchemy import make_url

    from governance.settings import load

    filled = {
        name: re.sub(r"\$\{(\w+)[^}]*\}", lambda m: {"ALTHING_URL": URL}.get(m[1], "0a1b"), value)
        for name, value in compose["services"]["althing"]["environment"].items()
    }
    settings = load(filled)
    assert settings.base_url == URL
    assert settings.database is not None
    address = make_url(settings.database)
    assert (address.get_backend_name(), address.host, address.database) == (
        "postgresql",
        "postgres",
        "althing",
    )


def test_the_proxy_lets_through_what_the_instance_takes() -> None:
    found = re.search(r"max_size (\d+)MiB", (DEPLOY / "Caddyfile").read_text())
    assert found is not None
    assert int(found[1]) * 1024 * 1024 > max(limits.BLOB, limits.ROADMAP_FILE, limits.VOTE_BODY)


def test_caddy_accepts_the_proxy_file() -> None:
    caddy = tool("caddy")
    environment = {**os.environ, "ALTHING_URL": URL, "UPSTREAM": "althing:8000"}
    command = [caddy, "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_unit_keeps_its_state_and_takes_its_rights_away() -> None:
    keys = unit()
    assert keys["ExecStart"] == ["/opt/althing/bin/althing serve"]
    assert keys["Environment"] == [f"ALTHING_DATA=/var/lib/{keys['StateDirectory'][0]}"]
    assert keys["User"] == ["althing"]
    assert keys["StateDirectoryMode"] == ["0700"]
    assert keys["CapabilityBoundingSet"] == [""]
    assert {key: keys[key] for key in ("NoNewPrivileges", "ProtectSystem", "MemoryDenyWriteExecute")} == {
        "NoNewPrivileges": ["yes"],
        "ProtectSystem": ["strict"],
        "MemoryDenyWriteExecute": ["yes"],
    }


@pytest.fixture
def checked_unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here in the place of the installed one."""
    text = (DEPLOY / "althing.service").read_text()
    path = tmp_path / "althing.service"
    path.write_text(text.replace("/opt/althing/bin/althing serve", "/bin/true"))
    return path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [tool("systemd-analyze"), "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_knows_every_key_of_the_unit(checked_unit: Path) -> None:
    done = analyze("verify", str(checked_unit))
    complaints = [line for line in done.stderr.splitlines() if checked_unit.name in line]
    assert complaints == []


def test_systemd_rates_the_unit_as_hardened(checked_unit: Path) -> None:
    done = analyze("security", "--offline=true", "--threshold=20", str(checked_unit))
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot rate a file")
    assert done.returncode == 0, done.stdout
