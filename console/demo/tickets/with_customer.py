"""Questions of the demo that wait for the customer, or for somebody else."""

from __future__ import annotations

from console.demo.tickets.steps import AGENT, WAITING, Case, Moves, Replies, Takes

WITH_CUSTOMER = (
    Case(
        "lozinka",
        "Ne mogu da uđem u kontrolni panel",
        "Promenio sam lozinku, ali me panel i dalje odbija. Iz Moj Mint servisa ulazim bez problema.",
        "on-8",
        15.0,
        service=True,
        steps=(
            Replies(
                13.8,
                "agent",
                "Dobar dan,\n\nlozinka panela je odvojena od lozinke Moj Mint naloga. U Moj Mint servisu otvorite "
                "uslugu i "
                "kliknite na „Nova lozinka panela“. Da li tako radi?\n\nPozdrav,\nJovana",
            ),
        ),
    ),
    Case(
        "outlook",
        "Outlook stalno traži lozinku",
        "Na jednom računaru Outlook stalno traži lozinku, na telefonu ista adresa radi.",
        "ona-4",
        17.5,
        tags=("pošta",),
        files=("ekran.png",),
        steps=(
            Takes(17.0, "agent2"),
            Replies(
                15.2,
                "agent2",
                "Dobar dan,\n\nu Outlook-u je verovatno ostao stari server. Proverite da u podešavanjima piše "
                "mail.example.rs, IMAP 993, SSL/TLS, i korisničko ime cela adresa. Ako ne pomogne, pošaljite nam sliku "
                "tog prozora.\n\nPozdrav,\nNebojša",
            ),
        ),
    ),
    Case(
        "kopija predračuna",
        "Kopija predračuna iz prošle godine",
        "Za potrebe kontrole treba nam predračun od prošle godine. Na mejlu ga više nemamo.",
        "ona-5",
        20.0,
        department="accounting",
        steps=(
            Takes(19.2, "billing"),
            Replies(
                18.4,
                "billing",
                "Poštovani,\n\nsvi dokumenti su u Moj Mint servisu pod „Predračuni“, a poslate poruke pod „Poslate "
                "email "
                "poruke“. Ako Vam je potreban overen primerak, javite nam na koje ime.\n\nSrdačan pozdrav,\nSnežana",
            ),
        ),
    ),
    Case(
        "cancel",
        "Cancelling one of two hosting plans",
        "Hi, we would like to cancel the smaller plan at the end of the period and keep the domain. How do we do that?",
        "nordlicht",
        26.0,
        department="sales",
        language="en",
        steps=(
            Takes(25.4, "agent2"),
            Replies(
                23.0,
                "agent2",
                "Hello Jörg,\n\nopen the service in the portal and choose »Cancel at the end of the period«. The "
                "domain stays "
                "as a service of its own. Shall we do it for you? Then please confirm who you are first.\n\nBest "
                "regards,\n"
                "Nebojša",
            ),
        ),
    ),
    Case(
        "knjigovođa",
        "Knjigovođa da dobija predračune",
        "Kako da podesim da predračune dobija i naša knjigovođa, ali da ne vidi lozinke?",
        "on-9",
        12.4,
        tags=("kontakti",),
        steps=(
            Replies(
                11.5,
                "agent",
                "Dobar dan,\n\ndodajte je kao kontakt: Moj Mint → Podaci o nalogu → Kontakti/podnalozi, i označite "
                "samo "
                "„Poruke o računima“. Kontakt ne vidi ni usluge ni lozinke. Da li Vam to odgovara?\n\nPozdrav,\nJovana",
            ),
        ),
    ),
    Case(
        "telefonom",
        "Provera nedostupnosti sajta noću",
        "Zvali ste nas danas oko kratkih prekida noću. Pratićemo sajt tri noći i javiti šta smo našli. Ako primetite "
        "nov "
        "prekid, odgovorite na ovu poruku i napišite kada je bio.",
        "on-10",
        8.6,
        source=AGENT,
        agent="agent2",
        service=True,
        steps=(Takes(8.59, "agent2"), Moves(8.58, "agent2", WAITING)),
    ),
)
