"""Questions of the demo that were solved: with ratings, reviews, merged, split and continued ones."""

from __future__ import annotations

from console.demo.tickets.steps import (
    AGENT,
    CHAT,
    CLOSED,
    HIGH,
    LOW,
    MAIL,
    SOLVED,
    URGENT,
    Accounts,
    AnswersReview,
    Asks,
    Case,
    Links,
    Merges,
    Moves,
    Notes,
    Overrides,
    Picks,
    Rates,
    Replies,
    Reviews,
    Sorts,
    Splits,
    Suspends,
    Tags,
    Takes,
    Verifies,
)

PAST = (
    Case(
        "ssl novi",
        "Aktivacija SSL sertifikata",
        "Kupljen je SSL, a sajt se i dalje otvara bez njega. Treba li nešto da uradim?",
        "ona-6",
        34.0,
        service=True,
        tags=("ssl",),
        steps=(
            Takes(33.0, "agent"),
            Replies(
                32.4,
                "agent",
                "Dobar dan,\n\nsertifikat je bio izdat, ali ne i vezan za sajt. To sam uradila i uključila "
                "preusmerenje na "
                "https. Osvežite stranu sa Ctrl+F5.\n\nPozdrav,\nJovana",
                then=SOLVED,
            ),
            Rates(30.0, 5, "Brzo i jasno, hvala!"),
            Picks(21.0, "supervisor"),
            Reviews(
                20.8,
                "supervisor",
                (4, 4, 4, None, 4),
                "Odličan primer: uzrok, šta je urađeno i kako da korisnik proveri. Stavio bih ga u obuku.",
                "Ovako treba: jedna rečenica o uzroku, jedna o rešenju.",
            ),
            AnswersReview(19.0, "agent", "Hvala! Dodala sam to i u gotove odgovore."),
        ),
    ),
    Case(
        "spora pošta",
        "Slanje poruka sa prilogom traje predugo",
        "Kada pošaljem prilog veći od 5 MB, slanje traje po deset minuta.",
        "ona-7",
        44.0,
        tags=("pošta",),
        steps=(
            Takes(43.0, "agent2"),
            Replies(
                37.0,
                "agent2",
                "Probajte sa drugog računara.",
            ),
            Asks(36.0, "Probala sam sa tri računara i sa telefona, svuda je isto. To sam i napisala u prvoj poruci."),
            Replies(
                29.5,
                "agent2",
                "Dobar dan,\n\nograničenje je bilo na strani našeg servera i uklonjeno je. Izvinite zbog čekanja.\n\n"
                "Pozdrav,\nNebojša",
                then=SOLVED,
            ),
            Rates(28.0, 2, "Rešeno je, ali sam čekala dva dana i dobila odgovor koji ništa ne znači."),
            Reviews(
                14.0,
                "supervisor",
                (1, 3, 2, None, 1),
                "Prvi odgovor je kasnio i nije bio odgovor: sve što si pitao već je pisalo u tiketu. Rešenje je na "
                "kraju "
                "bilo ispravno. Hajde da prođemo zajedno kako se čita prva poruka.",
                "Ovde je odgovor trebalo da počne od onoga što je korisnica već probala.",
            ),
        ),
    ),
    Case(
        "dvostruka uplata",
        "Dva puta smo platili isti predračun",
        "Greškom smo isti predračun platili dva puta. Možete li da nam vratite razliku ili da je uračunate u sledeći?",
        "on-11",
        52.0,
        department="accounting",
        source=MAIL,
        tags=("uplata",),
        steps=(
            Takes(51.0, "billing"),
            Replies(
                50.2,
                "billing",
                "Poštovani,\n\nvidimo obe uplate. Razlika stoji kao pretplata na Vašem nalogu i sama će se uračunati u "
                "sledeći predračun. Ako želite povraćaj, pošaljite nam broj računa.\n\nSrdačan pozdrav,\nSnežana",
            ),
            Asks(46.0, "Neka ostane za sledeći. Hvala."),
            Moves(45.5, "billing", SOLVED),
            Rates(44.0, 5),
        ),
    ),
    Case(
        "pao server",
        "VPS se ne javlja",
        "vps1 se ne javlja od 8:50, ni ping ni SSH. Na njemu je program za magacin, firma stoji.",
        "firma",
        60.0,
        priority=URGENT,
        tags=("vps", "prekid"),
        steps=(
            Takes(59.9, "agent2"),
            Replies(
                59.7,
                "agent2",
                "Dobar dan,\n\nvidimo prekid na fizičkom serveru, kolege su već na njemu. Javljam se za petnaest "
                "minuta.\n\n"
                "Pozdrav,\nNebojša",
                then=None,
            ),
            Notes(59.6, "agent2", "Neispravno napajanje u ormanu 7. @uros obavestiti i ostale na istom serveru."),
            Replies(
                59.1,
                "agent2",
                "Dobar dan,\n\nnapajanje je zamenjeno i vps1 radi od 9:47. Izveštaj o uzroku stiže do "
                "sutra.\n\nPozdrav,\n"
                "Nebojša",
                then=SOLVED,
            ),
            Rates(57.0, 5, "Javljali ste se tačno kada ste rekli. To nam je najvažnije."),
        ),
    ),
    Case(
        "pao server 2",
        "Server ne radi",
        "Kolega je već pisao, ali da i ja javim: ne radi program za magacin.",
        ("Nađa Ćirić", "firma.it@example.test"),
        59.8,
        priority=HIGH,
        source=MAIL,
        steps=(Accounts(59.62, "agent2", "firma"), Merges(59.61, "agent2", "pao server")),
    ),
    Case(
        "pin",
        "Gde da nađem PIN za podršku",
        "Na čet podršci su mi tražili PIN. Gde se on nalazi?",
        "ona-8",
        66.0,
        source=CHAT,
        steps=(
            Replies(
                65.5,
                "agent",
                "Dobar dan,\n\nPIN za podršku vidite čim se prijavite na Moj Mint, u polju „PIN za podršku“. Nemojte "
                "ga slati "
                "u poruci: unesite ga samo u karticu koju Vam pošaljemo.\n\nPozdrav,\nJovana",
                then=SOLVED,
            ),
            Rates(64.0, 4),
        ),
    ),
    Case(
        "lozinka opet",
        "Ne stiže mejl za novu lozinku",
        "Tražim novu lozinku za Moj Mint, ali mejl ne stiže. Proverio sam i neželjenu poštu.",
        "on-12",
        74.0,
        tags=("pošta",),
        steps=(
            Takes(73.0, "agent"),
            Replies(
                71.0,
                "agent",
                "Dobar dan,\n\nporuka je odbijena jer je sandučić pun. Oslobodite malo prostora i zatražite lozinku "
                "ponovo; "
                "listu svih poruka koje smo poslali vidite i u Moj Mint servisu.\n\nPozdrav,\nJovana",
            ),
            Asks(68.0, "To je bilo to. Hvala!"),
            Moves(67.5, "agent", SOLVED),
            Moves(27.0, "agent", CLOSED),
            Asks(
                6.6,
                "Nažalost opet isto: mejl za lozinku ne stiže, a sandučić je sada skoro prazan. Možete li da "
                "pogledate?",
            ),
        ),
    ),
    Case(
        "dva pitanja",
        "DNS zona i još jedno pitanje",
        "Kako da dodam TXT zapis za Google?",
        "ona-9",
        38.0,
        tags=("dns",),
        steps=(
            Takes(37.5, "agent"),
            Replies(
                37.0,
                "agent",
                "Dobar dan,\n\nMoj Mint → Domeni → Upravljanje DNS zonama → Manage, pa „+“: tip TXT, ime @, vrednost "
                "koju "
                "Vam je dao Google. Vidljivo je za najviše sat vremena.\n\nPozdrav,\nJovana",
            ),
            Asks(18.5, "Radi, hvala. I drugo: hteli bismo da platimo dve godine unapred, ima li popusta?"),
            Splits(18.0, "agent", "Popust za plaćanje dve godine unapred"),
            Moves(17.9, "agent", SOLVED),
        ),
    ),
    Case(
        "prava knjigovođe",
        "Neko se prijavio na naš nalog",
        "Dobili smo obaveštenje o prijavi sa nepoznate adrese. Molimo da hitno pogledate šta se menjalo.",
        "ona-10",
        31.0,
        priority=HIGH,
        tags=("bezbednost",),
        steps=(
            Sorts(30.9, "agent", "abuse"),
            Takes(30.8, "supervisor"),
            Overrides(30.7, "supervisor", "Sumnja na preuzet nalog, vlasnik se ne javlja na telefon"),
            Notes(30.5, "supervisor", "Prijava je iz njihove kancelarije, nova mreža. Ništa nije menjano."),
            Replies(
                30.2,
                "supervisor",
                "Dobar dan,\n\nprijava je sa adrese Vaše nove internet veze. Ništa na nalogu nije menjano. "
                "Preporučujemo da "
                "uključite dvostruku autentifikaciju.\n\nPozdrav,\nUroš",
                then=SOLVED,
            ),
        ),
    ),
    Case(
        "nameservers",
        "Which name servers should I use?",
        "We registered nordlicht.example.com elsewhere. Which name servers do we have to enter there?",
        "nordlicht",
        90.0,
        language="en",
        priority=LOW,
        tags=("dns", "domen"),
        steps=(
            Takes(88.0, "agent2"),
            Replies(
                86.0,
                "agent2",
                "Hello Jörg,\n\nplease enter ns1.example.rs and ns2.example.rs. The change is visible within a "
                "day.\n\nBest "
                "regards,\nNebojša",
                then=SOLVED,
            ),
            Rates(80.0, 5, "Perfect, thank you."),
            Moves(46.0, "agent2", CLOSED),
        ),
    ),
    Case(
        "blokirana adresa",
        "Blokirana IP adresa posle pogrešne lozinke",
        "Više puta sam pogrešila lozinku i sada ne mogu da otvorim ni sajt. Adresa kancelarije je statična.",
        "ona-11",
        98.0,
        tags=("bezbednost",),
        steps=(
            Replies(
                97.2,
                "agent",
                "Dobar dan,\n\nadresa je deblokirana i dodata među dozvoljene. Lozinku promenite preko „Nova lozinka "
                "panela“.\n\nPozdrav,\nJovana",
                then=SOLVED,
            ),
            Rates(96.5, 1, "Tek treći put sam dobila odgovor, pre toga me niko nije ni pogledao."),
            Moves(58.0, "agent", CLOSED),
        ),
    ),
    Case(
        "backup pitanje",
        "Koliko dugo čuvate rezervne kopije",
        "Koliko dugo se čuvaju kopije sajta i baze i mogu li sam da ih preuzmem?",
        "on-13",
        110.0,
        priority=LOW,
        tags=("kopija",),
        steps=(
            Takes(108.0, "agent2"),
            Replies(
                103.0,
                "agent2",
                "Dobar dan,\n\ndnevne kopije čuvamo 14 dana, nedeljne dva meseca. Preuzimate ih u panelu pod "
                "„Kopije“.\n\n"
                "Pozdrav,\nNebojša",
                then=SOLVED,
            ),
            Picks(90.0, "supervisor"),
            Reviews(
                89.5,
                "supervisor",
                (4, 4, 3, None, 3),
                "Tačno i kratko. Sledeći put dodaj i link do uputstva.",
            ),
            Moves(70.0, "agent2", CLOSED),
        ),
    ),
    Case(
        "promena vlasnika",
        "Izmena podataka firme na nalogu",
        "Firma je promenila naziv i sedište. Šta treba da pošaljemo da bi dokumenti glasili na nov naziv?",
        "fondacija",
        120.0,
        department="accounting",
        steps=(
            Takes(119.0, "billing"),
            Verifies(118.6, "billing"),
            Replies(
                118.4,
                "billing",
                "Poštovani,\n\npodatke menja vlasnik naloga: Moj Mint → Ažuriraj nalog. Dokumenti koji su već izdati "
                "ostaju na "
                "starom nazivu, a novi glase na nov.\n\nSrdačan pozdrav,\nSnežana",
                then=SOLVED,
            ),
            Rates(112.0, 4),
            Moves(75.0, "billing", CLOSED),
        ),
    ),
    Case(
        "spam",
        "Nezatražene poruke sa naše adrese",
        "Ljudi nam javljaju da sa naše adrese dobijaju reklame koje nismo slali.",
        "zloupotreba",
        76.0,
        department="abuse",
        priority=HIGH,
        service=True,
        tags=("spam",),
        steps=(
            Takes(75.6, "agent2"),
            Suspends(75.3, "billing"),
            Notes(75.2, "agent2", "Zaražen obrazac za kontakt, 4.200 poruka u redu. Usluga je obustavljena."),
            Replies(
                74.9,
                "agent2",
                "Dobar dan,\n\nslanje ide preko nezaštićenog obrasca na sajtu. Uslugu smo obustavili dok se obrazac ne "
                "zaštiti. Pošaljite nam, molim Vas, plan šta će biti urađeno.\n\nPozdrav,\nNebojša",
            ),
        ),
    ),
    Case(
        "poziv",
        "Promena paketa sa S na M",
        "Dogovoreno telefonom: prelazak sa paketa Hosting S na Hosting M od prvog u mesecu. Razlika u ceni stiže "
        "predračunom.",
        "ona-12",
        56.0,
        department="sales",
        source=AGENT,
        agent="agent",
        steps=(
            Takes(55.9, "agent"),
            Tags(55.8, "agent", ("ponuda",)),
            Asks(50.0, "Dobila sam i platila. Hvala na pomoći!"),
            Moves(49.5, "agent", SOLVED),
            Rates(48.0, 5),
        ),
    ),
    Case(
        "php stari",
        "Isti dodatak, ista greška na drugom sajtu",
        "I kod mene „brza-korpa“ ruši sajt posle ažuriranja. Čitala sam da niste jedini.",
        "ona-13",
        25.0,
        tags=("php", "prodavnica"),
        steps=(
            Takes(24.5, "agent2"),
            Replies(
                22.0,
                "agent2",
                "Dobar dan,\n\ndodatak smo vratili na prethodnu verziju, sajt radi. Proizvođač obećava ispravku u "
                "verziji "
                "4.2.\n\nPozdrav,\nNebojša",
                then=SOLVED,
            ),
            Links(6.5, "agent2", "php 8.3"),
        ),
    ),
    Case(
        "ugovor",
        "Ugovor o obradi podataka o ličnosti",
        "Za potrebe usklađivanja sa zakonom treba nam potpisan ugovor o obradi podataka. Da li imate svoj obrazac?",
        "firma",
        42.0,
        department="sales",
        priority=LOW,
        tags=("ugovor",),
        steps=(
            Takes(41.0, "supervisor"),
            Replies(
                35.0,
                "supervisor",
                "Dobar dan,\n\nobrazac je u prilogu. Potpisan primerak možete poslati kao odgovor na ovu poruku.\n\n"
                "Pozdrav,\nUroš",
                files=("ugovor.txt",),
            ),
            Asks(27.0, "Šaljemo potpisan.", files=("ugovor.txt",)),
            Moves(26.0, "supervisor", SOLVED),
        ),
    ),
)
