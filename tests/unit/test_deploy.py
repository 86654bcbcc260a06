"""What the files of a deployment name exists, and their times fit those of the settings."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands

from jobtracker import doctor

ROOT = Path(__file__).parents[2]
UNITS = sorted(path.name for path in (ROOT / "deploy/systemd").glob("*.service"))
COMPOSE = (ROOT / "deploy/compose/compose.yaml").read_text()
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text()
EXAMPLE = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
LONGEST_STOP = int(EXAMPLE["GRACE_SECONDS"]) + 12


def unit(name: str) -> str:
    return (ROOT / "deploy/systemd" / name).read_text()


@pytest.mark.parametrize("text", [*map(unit, UNITS), COMPOSE, DOCKERFILE], ids=[*UNITS, "c", "d"])
def test_every_command_exists(text):
    commands = set(re.findall(r'manage\.py(?:", "| )([a-z_]+)', text))
    modules = set(re.findall(r'-m(?:", "| )(jobtracker[\w.]+)', text))
    assert commands | modules
    assert commands <= get_commands().keys()
    assert all(find_spec(module) for module in modules)
    assert set(re.findall(r"([\w.]+):application", text)) <= {"jobtracker.asgi"}


def test_every_setting_of_the_compose_file_exists():
    block = COMPOSE[COMPOSE.index("&environment") : COMPOSE.index("volumes:")]
    assert set(re.findall(r"^ {4}([A-Z_]+):", block, re.MULTILINE)) <= EXAMPLE.keys()


def test_all_listen_on_the_port_of_the_settings():
    port = EXAMPLE["PORT"]
    assert f"ListenStream=127.0.0.1:{port}\n" in unit("jobtracker-web.socket")
    assert f'"127.0.0.1:{port}:{port}"' in COMPOSE
    assert f'"-p", "{port}"' in COMPOSE
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"127.0.0.1:{port}/health/ready" in COMPOSE


@pytest.mark.parametrize("name", ["jobtracker-web.service", "jobtracker-worker.service"])
def test_a_unit_waits_for_the_grace_and_signals_the_first_process_alone(name):
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", unit(name), re.MULTILINE)
    assert int(seconds) >= LONGEST_STOP
    assert "\nKillMode=mixed\n" in unit(name)
    assert "\nRestart=always\n" in unit(name)


def test_a_job_without_memory_does_not_stop_its_worker():
    assert "\nOOMPolicy=continue\n" in unit("jobtracker-worker.service")


def test_a_restart_of_a_service_does_not_set_up_again():
    assert "\nRemainAfterExit=yes\n" in unit("jobtracker-setup.service")


def test_the_compose_file_waits_for_the_grace():
    web, worker = (COMPOSE[COMPOSE.index(f"\n  {name}:") :] for name in ("web", "worker"))
    for service in web, worker:
        found = re.search(r"stop_grace_period: (\d+)s", service)
        assert found
        assert int(found[1]) >= LONGEST_STOP


def test_the_image_is_built_once_and_never_fetched():
    assert COMPOSE.count("build:") == 1
    assert "\n  image: jobtracker\n" in COMPOSE
    assert "\n  pull_policy: never\n" in COMPOSE
    assert "# syntax=" not in DOCKERFILE


def test_the_image_is_made_of_what_is_there():
    copied = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert {"jobtracker", "imports", "scraping", "pdfjobs", "requirements.txt"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    let_in = (ROOT / "deploy/Dockerfile.dockerignore").read_text()
    assert [name for name in copied if f"!{name}\n" not in let_in] == []
    assert "--require-hashes" in DOCKERFILE
    assert "USER jobtracker" in DOCKERFILE
    assert (ROOT / "deploy/compose/postgres-init.sh").stat().st_mode & 0o100


def test_the_server_of_the_compose_file_is_new_enough():
    found = re.search(r"pgvector:pg(\d+)", COMPOSE)
    assert found
    assert int(found[1]) >= doctor.OLDEST
