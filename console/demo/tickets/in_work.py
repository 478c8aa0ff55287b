"""Questions of the demo that somebody is at."""

from __future__ import annotations

from console.demo.tickets.steps import (
    HIGH,
    HOLD,
    LOW,
    MAIL,
    NORMAL,
    URGENT,
    Asks,
    Case,
    Drafts,
    Notes,
    Ranks,
    Reads,
    Replies,
    SendsCard,
    Takes,
    TakesBack,
    Verifies,
    Watches,
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
        speaks_of=("half paid",),
        steps=(Takes(1.0, "billing"), Reads(0.9, "billing")),
    ),
)
