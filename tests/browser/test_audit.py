from accounts.roles import Role
from accounts.services import create_user
from tests.browser.conftest import faults, log_in
from tests.compliance.conftest import record_some, seal_everything
from tests.factories import PASSWORD


def test_an_auditor_reads_the_record_and_takes_an_export_away(open_page, transactional_db):
    auditor = create_user(email="auditor@example.org", password=PASSWORD, role=Role.AUDITOR)
    record_some(60)
    seal_everything()
    page = log_in(open_page(width=390), auditor)
    assert faults(page, "/audit/?action=export") == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename == "audit.csv"
    page.get_by_role("link", name="Older").click()
    assert page.locator("tbody tr").count() == 10
