"""Bills of performance fees, between a follower and a master: the platform collects nothing."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from records.fields import MoneyField, PublicIdModel
from strategies.models import Strategy
from subscriptions.models import Subscription


class BillState(models.TextChoices):
    OPEN = "open", _("Open")
    PAID = "paid", _("Paid")
    WAIVED = "waived", _("Waived")


class BillQuerySet(models.QuerySet["Bill"]):
    def of_person(self, user_id: int) -> BillQuerySet:
        """What somebody owes or is owed."""
        return self.filter(Q(subscription__follower_id=user_id) | Q(strategy__owner_id=user_id))

    def owed_by(self, user_id: int) -> BillQuerySet:
        return self.filter(subscription__follower_id=user_id)

    def owed_to(self, user_id: int) -> BillQuerySet:
        return self.filter(strategy__owner_id=user_id)

    def charged(self) -> Decimal:
        """The sum of what is asked for; nothing of what was waived. Of one asset."""
        total: Decimal | None = self.exclude(state=BillState.WAIVED).aggregate(total=Sum("amount"))["total"]
        return total or Decimal(0)

    def due_by_asset(self) -> list[tuple[str, Decimal]]:
        """Sums of fees less what was given back of them."""
        back = BillCorrection.objects.filter(bill=OuterRef("pk")).values("bill").annotate(sum=Sum("credit"))
        left = F("amount") - Coalesce(Subquery(back.values("sum")), Decimal(0))
        return list(self.order_by("asset").values_list("asset").annotate(sum=Sum(left)))

    def with_people(self) -> BillQuerySet:
        people = self.select_related("subscription__follower", "strategy__owner")
        return people.prefetch_related("corrections")


class Bill(PublicIdModel):
    """The master's share of what one copy gained above its mark until `settled_at`, in `asset`.

    Results are equity less allocation. What is written here does not change, but for the state.
    """

    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="+")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+", db_index=False)
    month = models.DateField(help_text="The first day of the month.")
    closing_number = models.PositiveSmallIntegerField(
        default=0, help_text="0: the month's end; else of the copy's closing."
    )
    mark_before = MoneyField(help_text="The result up to which fees were settled before.")
    mark_after = MoneyField()
    percent = models.DecimalField(max_digits=5, decimal_places=2)
    amount = MoneyField()
    asset = models.CharField(max_length=16)
    state = models.CharField(max_length=6, choices=BillState.choices, default=BillState.OPEN)
    settled_at = models.DateTimeField(default=timezone.now)
    fees_uncounted = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="How many of the copy's fees until then were in coins without a price: no result has them.",
    )
    decided_at = models.DateTimeField(null=True, help_text="When it was paid or waived.")

    objects = BillQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "month", "closing_number"],
                name="one_bill_per_subscription_and_period",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_bill_is_positive"),
            models.CheckConstraint(
                condition=Q(mark_before__gte=0, mark_after__gt=F("mark_before")),
                name="a_bill_is_for_what_is_above_the_mark",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at=None) | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="a_decided_bill_has_its_date",
            ),
        ]
        indexes = [models.Index(fields=["strategy", "-id"], name="bills_of_a_strategy")]

    @property
    def gain(self) -> Decimal:
        """What the fee is a part of."""
        gained: Decimal = self.mark_after - self.mark_before
        return gained

    @property
    def credited(self) -> Decimal:
        """What its corrections gave back."""
        return sum((row.credit for row in self.corrections.all()), Decimal(0))

    @property
    def due(self) -> Decimal:
        """What is left of the fee."""
        left: Decimal = self.amount - self.credited
        return left


class BillCorrectionQuerySet(models.QuerySet["BillCorrection"]):
    def credited(self) -> Decimal:
        """The sum of what was given back; nothing of what was waived. Of one asset."""
        asked = self.exclude(bill__state=BillState.WAIVED)
        total: Decimal | None = asked.aggregate(total=Sum("credit"))["total"]
        return total or Decimal(0)


class BillCorrection(models.Model):
    """What a bill's marks are without a trade that was taken back after it, and what of the fee comes back.

    Append-only by trigger: the bill stays as it was told, the newest correction holds.
    """

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="corrections", db_index=False)
    reversal = models.ForeignKey("ledger.Trade", on_delete=models.PROTECT, related_name="+")
    result = MoneyField(help_text="What the copy's result was when the bill was settled, without the trade.")
    mark_before = MoneyField()
    mark_after = MoneyField()
    credit = MoneyField(help_text="In the bill's asset, owed to the follower or no longer owed by them.")
    at = models.DateTimeField(default=timezone.now)

    objects = BillCorrectionQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["bill", "reversal"], name="a_reversal_corrects_a_bill_once"),
            models.CheckConstraint(condition=Q(credit__gte=0), name="a_correction_never_asks_for_more"),
            models.CheckConstraint(
                condition=Q(mark_before__gte=0, mark_after__gte=F("mark_before")),
                name="a_corrected_mark_does_not_fall_in_its_period",
            ),
        ]
