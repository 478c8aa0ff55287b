"""Questions of the demo that nobody has answered yet."""

from __future__ import annotations

from console.demo.tickets.steps import CHAT, HIGH, LOW, MAIL, URGENT, Case, Merges

NEW = (
    Case(
        "pošta kasni",
        "Poruke stižu sa dva sata zakašnjenja",
        "Dobar dan,\n\nod jutros sve što nam klijenti pošalju stigne tek posle dva sata. Slanje radi normalno. "
        "U prilogu je zaglavlje jedne poruke.\n\nHvala",
        "on-1",
        3.7,
        service=True,
        tags=("pošta",),
        files=("zaglavlje.txt",),
    ),
    Case(
        "ssl istekao",
        "HITNO: sertifikat istekao, prodavnica ne prima porudžbine",
        "Pregledač javlja da veza nije bezbedna i kupci odustaju. Sertifikat je istekao noćas iako je plaćen. "
        "Molim vas da ga produžite što pre.",
        "ona-1",
        0.2,
        priority=URGENT,
        service=True,
        tags=("ssl",),
        files=("ekran.png",),
    ),
    Case(
        "pogrešan pib",
        "Pogrešan PIB na predračunu",
        "Poštovani,\n\nna poslednjem predračunu je PIB naše stare firme. Možete li da izdate nov? "
        "Plaćanje nam je već odobreno i čekamo samo ispravan dokument.",
        "on-2",
        4.6,
        department="accounting",
        source=MAIL,
        tags=("predračun",),
    ),
    Case(
        "managed vps",
        "Managed VPS with daily backups?",
        "Hello,\n\nwe are a team of six and run a Django shop with about 40,000 visits a month. Do you offer a "
        "managed VPS with daily backups kept for 30 days, and can you move us without downtime?\n\nBest regards,\n"
        "Hannah Brooks",
        ("Hannah Brooks", "hannah.brooks@birchwood.example.com"),
        2.4,
        department="sales",
        language="en",
        tags=("ponuda", "vps"),
    ),
    Case(
        "prelazak",
        "Prelazak sa drugog hostinga: sajt i 15 sandučića",
        "Dobar dan, trenutno smo kod druge firme i ugovor nam ističe krajem meseca. Da li prenos sajta i pošte "
        "radite vi i koliko to traje? Sajt je WordPress, oko 8 GB.",
        ("Vesna Kovačević", "vesna@atelje-kovacevic.example.rs"),
        5.0,
        department="sales",
        priority=LOW,
        tags=("prelazak",),
    ),
    Case(
        "lažna strana",
        "Phishing page on one of your servers",
        "To whom it may concern,\n\na page that imitates the login of our bank is served from one of your addresses. "
        "The URL and the headers are attached. Please take it down and keep the logs.\n\nIncident Response",
        ("CERT Aurora Bank", "incident@aurora-bank.example.com"),
        1.3,
        department="abuse",
        priority=HIGH,
        source=MAIL,
        language="en",
        tags=("phishing",),
        files=("url.txt",),
    ),
    Case(
        "nov nalog",
        "Kako da povežem domen sa novim nalogom?",
        "Pre dva dana sam otvorio nalog. Domen već imam kod drugog registra. Šta treba da upišem da bi radio kod vas?",
        "novi",
        0.6,
        tags=("domen",),
    ),
    Case(
        "posle radnog vremena",
        "Pitanje iz četa: koliko košta dodatni prostor",
        "Zanima me koliko košta da se paket Hosting S proširi za 20 GB i da li sajt za to vreme prestaje da radi?",
        ("Ognjen", "ognjen.tadic@posta.example.rs"),
        9.0,
        department="sales",
        source=CHAT,
        late=(19, 41),
    ),
    Case(
        "duplikat",
        "Poruke kasne",
        "Poslao sam i preko obrasca, ali za svaki slučaj i ovako: poruke nam kasne dva sata.",
        "on-1",
        2.9,
        source=MAIL,
        steps=(Merges(1.6, "agent", "pošta kasni"),),
    ),
)
