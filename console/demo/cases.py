"""What people asked the desk of the demo in its last weeks, and how it went.

Times are working hours before the demo's own now. So whenever it is looked at, the
same tickets are late, nearly late or in good time.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.tickets.models import Priority, TicketSource, TicketStatus

OPEN, WAITING, HOLD = TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.HOLD
SOLVED, CLOSED = TicketStatus.SOLVED, TicketStatus.CLOSED
LOW, NORMAL, HIGH, URGENT = Priority
WEB, MAIL, CHAT, AGENT = TicketSource.WEB, TicketSource.MAIL, TicketSource.CHAT, TicketSource.AGENT


@dataclass(frozen=True)
class Step:
    """Something that happens in a ticket, ``ago`` working hours before now."""

    ago: float


@dataclass(frozen=True)
class Asks(Step):
    """The requester writes."""

    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replies(Step):
    """A colleague answers."""

    who: str
    text: str
    then: TicketStatus | None = WAITING
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakesBack(Step):
    """A colleague answers and takes it back; the text is their draft again."""

    who: str
    text: str


@dataclass(frozen=True)
class Notes(Step):
    """A colleague writes a note among ourselves."""

    who: str
    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drafts(Step):
    """A colleague has begun to write."""

    who: str
    text: str


@dataclass(frozen=True)
class Takes(Step):
    """It is given to ``who``, by themselves or by ``by``."""

    who: str
    by: str = ""


@dataclass(frozen=True)
class Moves(Step):
    """It moves to a state."""

    who: str
    to: TicketStatus


@dataclass(frozen=True)
class Ranks(Step):
    """It gets another priority."""

    who: str
    to: Priority


@dataclass(frozen=True)
class Sorts(Step):
    """It goes to another department."""

    who: str
    to: str


@dataclass(frozen=True)
class Tags(Step):
    """It gets tags."""

    who: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Merges(Step):
    """It is merged into another."""

    who: str
    into: str


@dataclass(frozen=True)
class Splits(Step):
    """Its newest question becomes a ticket of its own."""

    who: str
    subject: str


@dataclass(frozen=True)
class Links(Step):
    """It belongs with another."""

    who: str
    other: str


@dataclass(frozen=True)
class Accounts(Step):
    """Somebody says whose account it is about."""

    who: str
    account: str


@dataclass(frozen=True)
class SendsCard(Step):
    """The requester is asked to prove who they are. ``right``: with the PIN that is theirs; ``None``: they do not."""

    who: str
    right: bool | None = None


@dataclass(frozen=True)
class Verifies(Step):
    """The owner of the account says the PIN on the phone."""

    who: str


@dataclass(frozen=True)
class Overrides(Step):
    """The account is opened for reading without its people."""

    who: str
    reason: str


@dataclass(frozen=True)
class Watches(Step):
    """Somebody follows it."""

    who: str


@dataclass(frozen=True)
class Reads(Step):
    """Somebody opens and reads it."""

    who: str


@dataclass(frozen=True)
class Rates(Step):
    """The requester says how content they are."""

    score: int
    comment: str = ""


@dataclass(frozen=True)
class Picks(Step):
    """A supervisor puts it into the queue of reviews."""

    who: str


@dataclass(frozen=True)
class Reviews(Step):
    """A supervisor scores the work on it. ``points``: in the rubric's order; ``None``: does not apply."""

    who: str
    points: tuple[int | None, ...]
    note: str
    remark: str = ""


@dataclass(frozen=True)
class AnswersReview(Step):
    """The agent says something to the review."""

    who: str
    text: str


@dataclass(frozen=True)
class Case:
    """A ticket.

    Args:
        by: an account's name in the story, or a name and an address of somebody who is no customer.
        opened: working hours before now.
        late: hour and minute of that day, after closing time.
        agent: who opened it on behalf of the requester.
        service: it is about the account's first service.
    """

    key: str
    subject: str
    text: str
    by: str | tuple[str, str]
    opened: float
    department: str = "technical"
    priority: Priority = NORMAL
    source: TicketSource = WEB
    language: str = "sr_Latn"
    late: tuple[int, int] | None = None
    agent: str = ""
    service: bool = False
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


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

IN_WORK = (
    Case(
        "php 8.3",
        "Sajt ne radi posle prelaska na PHP 8.3",
        "Poštovani, juče sam u panelu prešla na PHP 8.3 i od tada prodavnica prikazuje praznu stranu. Administracija "
        "radi. U prilogu je slika ekrana.",
        "ana",
        7.6,
        priority=NORMAL,
        source=MAIL,
        service=True,
        tags=("php", "prodavnica"),
        files=("ekran.png",),
        steps=(
            Takes(7.3, "agent"),
            Ranks(7.28, "agent", HIGH),
            Replies(
                7.1,
                "agent",
                "Dobar dan Ana,\n\ndodatak „brza-korpa“ nije spreman za PHP 8.3 i zaustavlja stranu. Predlažem da se "
                "privremeno vratimo na 8.2, a dodatak ažuriramo kada izađe nova verzija. Da li ste saglasni?\n\n"
                "Pozdrav,\nJovana",
            ),
            Notes(
                6.7,
                "agent2",
                "Isti dodatak je pravio problem i na drugim nalozima. @jovana rešenje je verzija 4.2, proverio sam "
                "na probnom nalogu.",
                files=("error.log",),
            ),
            Watches(6.69, "agent2"),
            Verifies(4.4, "agent"),
            Asks(3.45, "Saglasna sam, samo Vas molim da bude pre 16 h jer tada kreće akcija."),
            Drafts(
                0.4,
                "agent",
                "Dobar dan Ana,\n\nvratila sam PHP 8.2 i prodavnica ponovo radi. Dodatak ćemo ažurirati večeras ",
            ),
        ),
    ),
    Case(
        "mx zapisi",
        "MX zapisi za prelazak na drugi poštanski servis",
        "Dobar dan, od ponedeljka selimo poštu. Potrebno je da se za gradjevina-zunic.example.rs upišu MX zapisi iz "
        "priloga i da TTL bude 300. Da li to radite vi ili možemo mi iz Moj Mint servisa?",
        "firma",
        6.2,
        service=True,
        tags=("dns", "pošta"),
        files=("zona.txt",),
        steps=(
            Takes(5.9, "agent2"),
            Replies(
                5.6,
                "agent2",
                "Dobar dan,\n\nzapise možete da promenite i sami: Moj Mint → Domeni → Upravljanje DNS zonama. Ako "
                "želite "
                "da to uradimo mi, pošaljite nam potvrdu sa linka koji ste upravo dobili.\n\nPozdrav,\nNebojša",
            ),
            SendsCard(5.55, "agent2", right=True),
            Asks(1.5, "Potvrdili smo. Molimo da zapisi budu upisani danas, kolega prelazi u ponedeljak ujutru."),
        ),
    ),
    Case(
        "spf",
        "Mails to gmail.com are rejected (SPF)",
        "Hello,\n\nsince yesterday Gmail rejects everything we send with »550-5.7.26 unauthenticated email«. "
        "The bounce is attached. Nothing was changed on our side.\n\nKind regards\nJörg Weiß",
        "nordlicht",
        11.0,
        priority=HIGH,
        source=MAIL,
        language="en",
        service=True,
        tags=("pošta", "spf"),
        files=("bounce.txt",),
        steps=(
            Takes(10.6, "agent"),
            Replies(
                9.6,
                "agent",
                "Hello Jörg,\n\nyour SPF record names only the old server. Please publish the value below, or confirm "
                "that we may change it for you:\n\nv=spf1 a mx include:_spf.example.com ~all\n\nBest regards,\nJovana",
            ),
            Asks(4.9, "Please change it for us. Our web agency has no access to the DNS any more."),
        ),
    ),
    Case(
        "disk",
        "Prostor na disku je pun, sajt javlja grešku 500",
        "Od jutros sajt javlja grešku 500. U panelu piše da je zauzeto 100 % prostora, a ne vidim šta ga je zauzelo.",
        "ona-2",
        2.1,
        service=True,
        tags=("disk",),
        steps=(
            Replies(
                1.2,
                "agent2",
                "Dobar dan,\n\nprostor je zauzeo dnevnik grešaka jednog dodatka (11 GB). Obrisao sam ga i sajt radi. "
                "Uzrok još tražim i javljam se do kraja dana.\n\nPozdrav,\nNebojša",
                then=None,
            ),
            Notes(1.1, "agent2", "Dodatak piše upozorenje na svaki zahtev. Videti da li postoji nova verzija."),
        ),
    ),
    Case(
        "prodaja sajta",
        "Prenos usluge na novog vlasnika",
        "Prodao sam sajt i hteo bih da se hosting i domen prenesu na kupca. On već ima nalog kod vas. "
        "Šta je potrebno? Predračun za ovu godinu još nisam platio.",
        "on-3",
        13.0,
        service=True,
        tags=("prenos",),
        steps=(
            Takes(12.6, "agent"),
            Replies(
                12.2,
                "agent",
                "Dobar dan,\n\nprenos može da zatraži vlasnik naloga. Potvrdite, molim Vas, ko ste preko linka koji je "
                "stigao u posebnoj poruci. Predračun na Vašem nalogu biće storniran i izdat ponovo novom "
                "vlasniku.\n\nPozdrav,\nJovana",
            ),
            SendsCard(12.1, "agent", right=True),
            Asks(6.8, "Potvrđeno. Kupac je obavešten i čeka Vašu poruku."),
            Notes(6.1, "agent", "@snezana da li se u predračunu za obnovu nalazi i SSL? Zbog stavki pre migracije."),
            Replies(
                5.9,
                "agent",
                "Dobar dan,\n\nhvala, sve imamo. Prenos je pripremljen i čeka odobrenje naplate; javljamo se čim bude "
                "izvršen.\n\nPozdrav,\nJovana",
                then=HOLD,
            ),
        ),
    ),
    Case(
        "pdv",
        "PDV na predračunu za firmu van sistema PDV-a",
        "Poštovani, mi nismo u sistemu PDV-a. Zašto je na predračunu obračunat PDV i možemo li da platimo bez njega?",
        "ona-3",
        6.4,
        department="accounting",
        tags=("pdv", "predračun"),
        steps=(
            Takes(6.0, "billing"),
            Replies(
                3.0,
                "billing",
                "Poštovani,\n\nPDV obračunavamo na promet naših usluga i onda kada kupac nije u sistemu PDV-a; "
                "razlika je "
                "samo u tome što ga Vi ne možete odbiti. Predračun je ispravan.\n\nSrdačan pozdrav,\nSnežana",
            ),
            Asks(0.5, "Hvala na objašnjenju. Može li da se podeli na dve rate?"),
        ),
    ),
    Case(
        "2fa",
        "Izgubljen telefon sa aplikacijom za dvostruku autentifikaciju",
        "Ukraden mi je telefon i ne mogu da uđem u Moj Mint. Moj PIN je 482 913, molim da isključite dvostruku "
        "autentifikaciju.",
        "on-4",
        3.3,
        priority=HIGH,
        tags=("2fa", "bezbednost"),
        steps=(
            Takes(2.9, "agent"),
            Replies(
                2.7,
                "agent",
                "Dobar dan,\n\nPIN nam nikada nemojte slati u poruci; sistem ga je sakrio. Potvrdite, molim Vas, ko "
                "ste "
                "preko linka koji stiže u posebnoj poruci, pa nastavljamo.\n\nPozdrav,\nJovana",
            ),
            SendsCard(2.65, "agent", right=False),
            Asks(1.8, "Uneo sam PIN ali javlja grešku. Šta sada?"),
        ),
    ),
    Case(
        "hakovan",
        "WordPress preusmerava posetioce na nepoznat sajt",
        "Posetioci koji dođu sa Google pretrage završe na nekoj kladionici. Kada otvorim sajt direktno, sve je u redu.",
        "on-5",
        3.25,
        priority=URGENT,
        service=True,
        tags=("bezbednost", "wordpress"),
        files=("ekran.png",),
        steps=(
            Takes(3.15, "agent2", by="supervisor"),
            Replies(
                3.0,
                "agent2",
                "Dobar dan,\n\nsajt je zaražen preko zastarele teme. Uključio sam stranu za održavanje da posetioci "
                "ne bi "
                "trpeli i vraćam čistu kopiju od prekjuče.\n\nPozdrav,\nNebojša",
                then=None,
            ),
            Notes(
                2.2,
                "agent2",
                "Zaraženo: wp-content/themes/storefront-child/functions.php i tri fajla u uploads. @uros da li "
                "isključujemo slanje pošte dok ne proverimo?",
            ),
            Notes(1.9, "supervisor", "Da, isključi do provere i javi klijentu. @nebojsa"),
            Asks(1.1, "Hvala! Javite samo kada mogu ponovo da objavljujem."),
        ),
    ),
    Case(
        "api",
        "Token za automatsko postavljanje sajta",
        "Treba nam pristup sa jednog servera radi automatskog postavljanja nove verzije. Da li postoji API ili samo "
        "SFTP? Adresa servera je u prilogu.",
        "firma",
        9.5,
        priority=LOW,
        tags=("api",),
        files=("zona.txt",),
        steps=(
            Takes(8.8, "agent"),
            Replies(
                4.2,
                "agent",
                "Dobar dan,\n\nza sada je to SFTP sa ključem. Ključ dodajete u panelu pod „SSH pristup“. Ako Vam treba "
                "pomoć oko skripte, pošaljite nam je.\n\nPozdrav,\nJovana",
            ),
            Asks(3.2, "Ključ smo dodali, ali server javlja „Permission denied (publickey)“."),
            TakesBack(1.4, "agent", "Dobar dan,\n\nključ je dodat pogrešnom korisniku, premestila sam ga."),
        ),
    ),
    Case(
        "eu vat",
        "Invoice without VAT for an EU company",
        "Hello, our accountant asks for the next pro-forma without Serbian VAT. Which document do you need from us?",
        "nordlicht",
        7.0,
        department="accounting",
        language="en",
        tags=("pdv",),
        steps=(
            Takes(6.5, "billing"),
            Replies(
                2.4,
                "billing",
                "Dear Jörg,\n\nyour account is already marked as a customer from abroad, so no Serbian VAT is charged. "
                "The note on the document says so. Is there one that shows it otherwise?\n\nKind regards,\nSnežana",
            ),
            Asks(1.0, "No, all documents are right. We overlooked the note. Could you send the last one again?"),
        ),
    ),
    Case(
        "povraćaj",
        "Vraćanje sajta iz rezervne kopije",
        "Greškom sam obrisala celu fasciklu sa slikama. Možete li da je vratite od nedelje?",
        "on-6",
        10.5,
        service=True,
        tags=("kopija",),
        steps=(
            Takes(10.2, "agent2"),
            Replies(
                9.9,
                "agent2",
                "Dobar dan,\n\nkopija od nedelje postoji. Vraćanje radi kolega u data-centru, očekujemo ga sutra pre "
                "podne."
                "\n\nPozdrav,\nNebojša",
                then=HOLD,
            ),
            Notes(9.8, "agent2", "Zahtev data-centru je poslat, referenca DC-3381."),
        ),
    ),
    Case(
        "transfer domena",
        "Transfer domena stoji već nedelju dana",
        "Kod za transfer sam poslao pre nedelju dana i još se ništa ne dešava. Kod prethodnog registra kažu da su sve "
        "otključali.",
        "on-7",
        22.0,
        tags=("domen", "transfer"),
        steps=(
            Takes(21.0, "agent"),
            Replies(
                19.5,
                "agent",
                "Dobar dan,\n\ntransfer je pokrenut, ali prethodni registar još nije potvrdio. Pisali smo i registru "
                "RNIDS. "
                "Javljamo se čim odgovore.\n\nPozdrav,\nJovana",
                then=HOLD,
            ),
            Asks(11.0, "Ima li novosti? Domen ističe za dve nedelje."),
            Replies(
                8.3,
                "agent",
                "Dobar dan,\n\nRNIDS je potvrdio prijem. Ako do kraja nedelje ne bude odgovora, produžićemo domen o "
                "našem "
                "trošku.\n\nPozdrav,\nJovana",
                then=HOLD,
            ),
        ),
    ),
    Case(
        "kredit",
        "Gde je preostali iznos posle plaćanja",
        "Platila sam polovinu predračuna, a u nalogu ne vidim uplatu. Da li je stigla?",
        "polovina",
        1.9,
        department="accounting",
        tags=("uplata",),
        steps=(Takes(1.0, "billing"), Reads(0.9, "billing")),
    ),
)

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
