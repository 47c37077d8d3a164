from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    name = "compliance"

    def ready(self) -> None:
        from compliance import signing

        # A key that cannot be read stops the start.
        signing.public_key()
