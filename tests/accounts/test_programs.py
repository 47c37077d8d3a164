import pytest

from accounts.programs import program_name

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/129.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome 129 on Windows"),
        (SAFARI, "Mobile Safari 17 on iOS"),
        ("curl/8.5.0", "curl 8"),
        ("nobody knows me " * 20, ("nobody knows me " * 20)[:60]),
        ("", ""),
    ],
)
def test_a_program_is_called_as_people_call_it(user_agent, name):
    assert program_name(user_agent) == name


def test_what_a_program_calls_itself_is_only_text_on_the_page(client, user):
    client.force_login(user)
    client.get("/accounts/sessions/", headers={"user-agent": "<b>me</b>"})
    page = client.get("/accounts/sessions/", headers={"user-agent": "<b>me</b>"}).content.decode()
    assert "&lt;b&gt;me&lt;/b&gt;" in page and "<b>me</b>" not in page
