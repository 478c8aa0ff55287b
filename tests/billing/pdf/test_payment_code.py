"""The text of the NBS payment code, and what it is made of: against the published examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.billing.pdf.payment_code import (
    NoPaymentCode,
    PaymentOrder,
    is_model_97,
    print_account,
    read_account,
    with_model,
    write,
)
from console.billing.references import with_check_digits

PUBLISHED = (
    "K:PR|V:01|C:1|R:845000000040484987|N:JP EPS BEOGRAD|I:RSD3596,13|SF:189|S:Uplata po racunu"
    "|RO:97163220000111111111000"
)
ORDER = PaymentOrder(account="845000000040484987", payee="JP EPS BEOGRAD", amount=359_613)


def test_the_published_example() -> None:
    order = PaymentOrder(
        account=read_account("845-404849-87"),
        payee="JP EPS BEOGRAD",
        amount=359_613,
        purpose="Uplata po racunu",
        reference="97163220000111111111000",
        code="189",
    )
    assert write(order) == PUBLISHED


def test_ours_is_for_services_and_leaves_out_what_is_empty() -> None:
    assert write(ORDER) == "K:PR|V:01|C:1|R:845000000040484987|N:JP EPS BEOGRAD|I:RSD3596,13|SF:221"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1, "0,01"), (10, "0,10"), (100_000, "1000,00"), (1_234_567_890_123, "12345678901,23")],
)
def test_amounts_have_a_comma_and_no_groups(amount: int, text: str) -> None:
    assert f"|I:RSD{text}|" in write(PaymentOrder(account=ORDER.account, payee="A", amount=amount))


def test_lengths_are_kept_and_the_sign_between_tags_is_no_text() -> None:
    order = PaymentOrder(
        account=ORDER.account,
        payee=f"{'Ž' * 80}\nred 2\nred 3\nred 4",
        amount=1,
        purpose=f"Svrha | {'š' * 60}",
        payer="Đorđe | Čačak",
    )
    tags = dict(tag.split(":", 1) for tag in write(order).split("|"))
    assert tags["N"] == "Ž" * 70 and len(tags["S"]) == 35 and tags["P"] == "Đorđe Čačak"
    assert list(tags) == ["K", "V", "C", "R", "N", "I", "P", "SF", "S"]


@pytest.mark.parametrize("text", ["840-955845-10", "165-55-74", "310-1234567891211-86", "845000000040484987"])
def test_accounts_are_read_in_every_spelling(text: str) -> None:
    digits = read_account(text)
    assert len(digits) == 18 and int(digits) % 97 == 1
    assert read_account(print_account(digits)) == digits


@pytest.mark.parametrize("text", ["", "840-955845-11", "840-955845", "84095584510", "RS35105008123123123174", "x"])
def test_other_accounts_are_refused(text: str) -> None:
    with pytest.raises(NoPaymentCode):
        read_account(text)


def test_an_iban_of_here_is_its_account() -> None:
    assert read_account("RS35 1050 0812 3123 1231 73") == "105008123123123173"


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "845000000040484986"}, {"amount": 0}, {"amount": -1}, {"amount": 10**17}, {"payee": " "},
        {"reference": "97173220000111111111000"}, {"reference": "11123"}, {"reference": "97"}, {"code": "22"},
    ],
)  # fmt: skip
def test_what_a_bank_would_refuse_is_no_code(changes: dict[str, object]) -> None:
    with pytest.raises(NoPaymentCode):
        write(PaymentOrder(**({"account": ORDER.account, "payee": "A", "amount": 1} | changes)))  # type: ignore[arg-type]


@given(st.from_regex(r"[0-9A-Z]{1,10}", fullmatch=True))
def test_references_with_check_digits_are_of_model_97(body: str) -> None:
    reference = with_check_digits(body)
    assert is_model_97(reference) and with_model(reference) == f"97{reference}"
    wrong = f"{(int(reference[:2]) + 1) % 97 + 1:02d}{reference[2:]}"
    assert is_model_97(wrong) == (wrong == reference)


def test_others_have_no_model() -> None:
    assert with_model("2026-15") == "002026-15" and not is_model_97("")
