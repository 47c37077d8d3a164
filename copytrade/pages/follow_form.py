"""The questions of the follow page."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from copytrade.templatetags.ui import money
from strategies.invites.services import MOST_CHARACTERS
from strategies.models import Strategy
from subscriptions.allocating import free_as_last_read
from subscriptions.following import Terms
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

NEW_PAPER = "new-paper"
CHOSEN = (
    "sizing_mode",
    "sizing_value",
    "max_slippage_bps",
    "stop_loss_percent",
    "take_profit_percent",
    "copy_open_positions",
)
PAPER_MONEY = Decimal(10_000)
MODES: list[tuple[str, str | Promise, str | Promise]] = [
    (
        Subscription.SizingMode.PROPORTIONAL,
        gettext_lazy("Proportional"),
        gettext_lazy(
            "The master spends 6 % of the account: you spend 6 % of what you put in, times your factor."
        ),
    ),
    (
        Subscription.SizingMode.MULTIPLIER,
        gettext_lazy("Multiplier"),
        gettext_lazy("The master's quantity times your factor, whatever the sizes of the accounts."),
    ),
    (
        Subscription.SizingMode.FIXED_NOTIONAL,
        gettext_lazy("Fixed amount"),
        gettext_lazy("The same amount of the quote coin for each of the master's orders."),
    ),
]


class FollowForm(forms.Form):
    form_id = forms.UUIDField(widget=forms.HiddenInput)
    account = forms.ChoiceField(label=gettext_lazy("Account"))
    allocation = forms.DecimalField(
        label=gettext_lazy("How much do you put in?"),
        max_digits=36,
        decimal_places=18,
        min_value=Decimal("0.01"),
    )
    sizing_mode = forms.ChoiceField(
        label=gettext_lazy("Size of each copy"), choices=Subscription.SizingMode.choices
    )
    sizing_value = forms.DecimalField(
        label=gettext_lazy("Factor, or fixed amount"),
        max_digits=36,
        decimal_places=18,
        min_value=Decimal("0.000001"),
    )
    max_slippage_bps = forms.IntegerField(
        label=gettext_lazy("At most worse than the master's price"),
        min_value=0,
        max_value=1000,
        required=False,
    )
    stop_loss_percent = forms.DecimalField(
        label=gettext_lazy("Stop-loss, in % of what you put in"),
        max_digits=5,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=100,
        required=False,
    )
    take_profit_percent = forms.DecimalField(
        label=gettext_lazy("Take-profit, in % of what you put in"),
        max_digits=7,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=10_000,
        required=False,
    )
    on_master_lost = forms.ChoiceField(
        label=gettext_lazy("When the master is not heard of"),
        choices=Subscription.OnMasterLost.choices,
        required=False,
    )
    copy_open_positions = forms.BooleanField(
        label=gettext_lazy("Open what the master holds now"), required=False
    )
    invite = forms.CharField(
        label=gettext_lazy("Invite"),
        max_length=MOST_CHARACTERS,
        required=False,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false"}),
    )
    confirm = forms.BooleanField(
        label=gettext_lazy("I can afford to lose this money."),
        error_messages={"required": gettext_lazy("Tick this to start: copying can lose all of it.")},
    )

    def __init__(
        self,
        data: Any = None,
        *,
        strategy: Strategy,
        accounts: Sequence[ExchangeAccount],
        initial: Any = None,
        for_preview: bool = False,
    ) -> None:
        super().__init__(data, initial={"form_id": uuid4()} | (initial or {}))
        # Nothing is promised by looking, and nothing is done.
        for name in ("confirm", "form_id"):
            self.fields[name].required = not for_preview
        self.strategy = strategy
        self.accounts = {str(account.public_id): account for account in accounts}
        choices = [(key, account.label) for key, account in self.accounts.items()]
        self.fields["account"].choices = [*choices, (NEW_PAPER, _("New paper account"))]  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"{name}-help {name}-errors"

    def clean_allocation(self) -> Decimal:
        allocation: Decimal = self.cleaned_data["allocation"]
        if allocation < self.strategy.min_capital:
            raise forms.ValidationError(
                _("This strategy asks for at least %(least)s %(quote)s.")
                % {"least": money(self.strategy.min_capital), "quote": self.strategy.quote}
            )
        return allocation

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        allocation, free = cleaned.get("allocation"), self.free(cleaned.get("account", ""))
        if allocation and cleaned.get("account") and free is not None and allocation > free:
            self.add_error(
                "allocation",
                _("This account has %(free)s %(quote)s free.")
                % {"free": money(free), "quote": self.strategy.quote},
            )
        return cleaned

    def free(self, choice: str) -> Decimal | None:
        """Of the quote, on the account that was chosen; None where it is not known."""
        account = self.accounts.get(choice)
        return free_as_last_read(account, self.strategy.quote) if account else PAPER_MONEY

    def chosen_account(self) -> ExchangeAccount | None:
        """None: a paper account is to be opened."""
        return self.accounts.get(self.cleaned_data.get("account", ""))

    def terms(self) -> Terms:
        return Terms(
            **{name: self.cleaned_data[name] for name in CHOSEN},
            on_master_lost=self.cleaned_data["on_master_lost"] or Subscription.OnMasterLost.HOLD,
        )
