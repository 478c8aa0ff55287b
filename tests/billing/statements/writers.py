"""Statements written in each format, as the descriptions in docs/statements.md say: the readers' other half."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from xml.sax.saxutils import escape

from console.billing.statements.readers.statement import Statement, StatementLine

Writer = Callable[[Statement], str]
EXTENDED_HEADER = (
    "ST_RACUNA#ST_IZPISKA#VALUTA#DATUM_VAL#ZNESEK_V_BREME#ZNESEK_V_DOBRO#OPIS#DATUM_KNJ#RAC_NAL_PREJ#"
    "NAZIV_NAL_PREJ#NAMEN#OZN_VRSTE_POSLA#SKLIC_ODOBR#SKLIC_OBREM#MODEL_ODOBR#MODEL_OBREM#ID_NALOGA"
)


def decimal(amount: int, mark: str = ".") -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}{mark}{abs(amount) % 100:02d}"


def implied(amount: int, width: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount):0{width - (amount < 0)}d}"


def write_csv(one: Statement) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow([
        "account", "statement", "currency", "opening", "closing",
        "date", "amount", "reference", "model", "payer", "payer_account", "purpose", "bank_id",
    ])  # fmt: skip
    head = [one.account, one.number, one.currency, decimal(one.opening or 0, ","), decimal(one.closing or 0, ",")]
    for line in one.lines:
        writer.writerow([
            *head, f"{line.booked_on:%d.%m.%Y}.", decimal(line.amount, ","), line.reference, line.model, line.payer,
            line.payer_account, line.purpose, line.bank_id,
        ])  # fmt: skip
        head = [""] * 5
    return file.getvalue()


def write_halcom(one: Statement) -> str:
    day = one.closed_on
    debits = [line for line in one.lines if line.amount < 0]
    credits_ = [line for line in one.lines if line.amount > 0]
    recap = (
        f"01{one.account}{day:%d%m%Y}{date(2001, 1, 1):%d%m%Y}{implied(one.opening or 0, 18)}"
        f"{len(debits):06d}{implied(-sum(line.amount for line in debits), 18)}"
        f"{len(credits_):06d}{implied(sum(line.amount for line in credits_), 18)}"
        f"{implied(one.closing or 0, 18)}{0:06d}{0:018d}{one.number.zfill(3)}"
    )
    return "\r\n".join([*(halcom_line(one, line) for line in one.lines), recap, "\x1a"])


def halcom_line(one: Statement, line: StatementLine) -> str:
    code = "20" if line.amount > 0 else "10"
    written = (
        f"{line.payer_account:18}{code}{line.booked_on:%d.%m.%y}  "
        f"{'MINT HOSTING':35} {line.booked_on:%d%m%y}{one.account}"
        f"{abs(line.amount):015d} 221  {'00':2}{'':22}{line.model or '00':2}{line.reference:22}{line.purpose:36}"
        f"{'BEOGRAD':10}{line.payer:35}{line.bank_id:22}{'':18}"
    )
    assert len(written) == 280
    return written


def write_halcom_extended(one: Statement) -> str:
    rows = [EXTENDED_HEADER]
    for line in one.lines:
        day = f"{line.booked_on:%d.%m.%Y}"
        amount = decimal(abs(line.amount), ",")
        debit, credit = (amount, "") if line.amount < 0 else ("", amount)
        rows.append(
            f"{one.account}#{one.number}#{one.currency}#{day}#{debit}#{credit}##{day}#{line.payer_account}#"
            f"{line.payer}#{line.purpose}#221#{line.reference}##{line.model}##{line.bank_id}"
        )
    return "\r\n".join(rows)


def write_fx_client(one: Statement) -> str:
    debits = -sum(line.amount for line in one.lines if line.amount < 0)
    credits_ = sum(line.amount for line in one.lines if line.amount > 0)
    balances = "".join(_signed_behind(amount) for amount in (one.opening or 0, debits, credits_, one.closing or 0))
    head = (
        f"{one.closed_on:%d%m%Y}1200{one.account}{'DIN' if one.currency == 'RSD' else one.currency}{balances}"
        f"{'':36}{1:06d}{one.number.zfill(3)}{'MINT HOSTING':35}{'BEOGRAD':20}{100000049:09d}{'':5}1"
    )
    assert len(head) == 220
    return "\r\n".join([head, *(_fx_line(line) for line in one.lines)]) + "\r\n"


def _signed_behind(amount: int) -> str:
    return f"{abs(amount):017d}{'-' if amount < 0 else '+'}"


def _fx_line(line: StatementLine) -> str:
    mark = "P" if line.amount > 0 else "D"
    written = (
        f"{line.payer_account:18}{line.payer:35}{'BEOGRAD':20} {'':2}{'':20}221{line.purpose:35}{abs(line.amount):013d}"
        f"{mark}{'':18}{line.model:2}{line.reference:20}{line.booked_on:%d%m%Y}1200{line.bank_id:15}{'':4}2"
    )
    assert len(written) == 220
    return written


def write_office_banking(one: Statement) -> str:
    lines = "".join(
        f"""<stmttrn><trntype>ibank.payment.pp3</trntype><fitid>{escape(line.bank_id)}</fitid>
<benefit>{"credit" if line.amount > 0 else "debit"}</benefit>
<payeeinfo><name>{escape(line.payer)}</name><city>Beograd</city></payeeinfo>
<payeeaccountinfo><acctid>{line.payer_account}</acctid></payeeaccountinfo>
<dtposted>{line.booked_on}T00:00:00</dtposted><trnamt>{decimal(abs(line.amount))}</trnamt>
<purpose>{escape(line.purpose)}</purpose><purposecode>221</purposecode><curdef>DIN</curdef>
<refmodel>{line.model}</refmodel><refnumber>{escape(line.reference)}</refnumber>
<payeerefmodel/><payeerefnumber/><urgency>ACH</urgency></stmttrn>
"""
        for line in one.lines
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<stmtrs>
<rstype>ibank.payment.stmtrs.ledger</rstype>
<status><code>0</code><severity>INFO</severity></status>
<curdef>DIN</curdef><acctid>{one.account[:3]}-{one.account[3:16]}-{one.account[16:]}</acctid>
<stmtnumber>{one.number}</stmtnumber>
<ledgerbal><balamt>{decimal(one.opening or 0)}</balamt><dtasof>2001-01-01T00:00:00</dtasof></ledgerbal>
<availbal><balamt>{decimal(one.closing or 0)}</balamt><dtasof>{one.closed_on}T00:00:00</dtasof></availbal>
<trnlist count="{len(one.lines)}">
{lines}</trnlist>
</stmtrs>
"""


def write_mt940(one: Statement) -> str:
    rows = [
        ":20:STARTUMS",
        f":25:{one.account}",
        f":28C:{one.number}/1",
        f":60F:{_swift_balance(one, one.opening or 0)}",
    ]
    for line in one.lines:
        mark = "C" if line.amount > 0 else "D"
        rows.append(
            f":61:{line.booked_on:%y%m%d}{line.booked_on:%m%d}{mark}{decimal(abs(line.amount), ',')}NTRFNONREF"
            f"//{line.bank_id}"
        )
        model = f"({line.model})" if line.model else ""
        rows += [
            ":86:221", f"?20{line.purpose}", "?21SIF-221", "?22PBZ-", f"?23PBO-{model}{line.reference}",
            f"?30{line.payer_account}", f"?32{line.payer}", "?33BEOGRAD",
        ]  # fmt: skip
    rows.append(f":62F:{_swift_balance(one, one.closing or 0)}")
    return "\r\n".join([*rows, "-", ""])


def _swift_balance(one: Statement, amount: int) -> str:
    return f"{'D' if amount < 0 else 'C'}{one.closed_on:%y%m%d}{one.currency}{decimal(abs(amount), ',')}"


def write_camt(one: Statement) -> str:
    entries = "".join(_entry(line) for line in one.lines)
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='{one.currency}'>{decimal(abs(amount))}</Amt>"
        f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd><Dt><Dt>{one.closed_on}</Dt></Dt></Bal>\n"
        for kind, amount in (("OPBD", one.opening or 0), ("CLBD", one.closing or 0))
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
<BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>1</Id><LglSeqNb>{one.number}</LglSeqNb>
<Acct><Id><Othr><Id>{one.account}</Id></Othr></Id><Ccy>{one.currency}</Ccy></Acct>
{balances}<TxsSummry><TtlNtries><NbOfNtries>{len(one.lines)}</NbOfNtries></TtlNtries></TxsSummry>
{entries}</Stmt></BkToCstmrStmt></Document>
"""


def _entry(line: StatementLine) -> str:
    side = "Dbtr" if line.amount > 0 else "Cdtr"
    reference = f"({line.model}){line.reference}" if line.model else line.reference
    return f"""<Ntry><Amt Ccy="{line.currency}">{decimal(abs(line.amount))}</Amt>
<CdtDbtInd>{"CRDT" if line.amount > 0 else "DBIT"}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{line.booked_on}</Dt></BookgDt><AcctSvcrRef>{escape(line.bank_id)}</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><{side}><Pty><Nm>{escape(line.payer)}</Nm></Pty></{side}>
<{side}Acct><Id><Othr><Id>{line.payer_account}</Id></Othr></Id></{side}Acct></RltdPties>
<RmtInf><Ustrd>{escape(line.purpose)}</Ustrd><Strd><CdtrRefInf><Ref>{escape(reference)}</Ref></CdtrRefInf></Strd></RmtInf>
</TxDtls></NtryDtls></Ntry>
"""


WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "halcom": write_halcom,
    "halcom_extended": write_halcom_extended,
    "fx_client": write_fx_client,
    "office_banking": write_office_banking,
    "mt940": write_mt940,
    "camt053": write_camt,
}
NO_BALANCES = frozenset({"halcom_extended"})
IN_EUROS = frozenset({"csv", "halcom_extended", "fx_client", "mt940", "camt053"})
