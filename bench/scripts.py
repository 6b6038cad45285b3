"""What training calls say: sentences put together from parts, so that no two seeds teach the same lengths and pauses.

Only the training side is cast from here; the test side says what `phrases.py` holds and nothing else. Written for the corpus, as those are.
A part may be left out, and a `|` between parts is a breath, so one language gives some hundred greetings of each kind.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from bench.phrases import PHRASES


class Script(NamedTuple):
    """The parts of one language. `{n}` is a name, `{f}` a firm."""

    names: tuple[str, ...]
    firms: tuple[str, ...]
    hello: tuple[str, ...]
    "A word or two."
    who: tuple[str, ...]
    "What a person says after that, or instead."
    business: tuple[str, ...]
    help: tuple[str, ...]
    "What a person at work may add."
    opening: tuple[str, ...]
    "Of a mailbox its owner spoke."
    excuse: tuple[str, ...]
    request: tuple[str, ...]
    network: tuple[str, ...]
    "What is wrong, by the network; `request` or `record` follows."
    record: tuple[str, ...]
    trouble: tuple[str, ...]
    "What is wrong, and no message can be left."
    advice: tuple[str, ...]
    menu: tuple[str, ...]
    screening: tuple[str, ...]
    "That an assistant answers."
    reason: tuple[str, ...]
    "What it wants."


SCRIPTS = {
    "en": Script(
        ("Peter", "Anne Marie", "Jones", "Doctor Patel", "Bob", "Samantha Fitzgerald", "Lee", "the Hendersons"),
        ("Northside Plumbing", "City Dental", "Bright and Company, solicitors", "The Old Mill Hotel", "A B Motors"),
        ("Hello?", "Hi.", "Yes?", "Yeah?", "Hello, hello?", "Speaking.", "{n}.", "Hello, {n}.", "Good evening.", "Hey.", "Yep."),
        ("Who's calling?", "This is {n}.", "{n} speaking.", "Who is this, please?", "Yes, how can I help you?", "Can you hear me?", "Sorry, who's that?"),
        ("{f}, {n} speaking.", "{f}, good morning.", "Good afternoon, {f}, this is {n}.", "Hello, thank you for calling {f}.", "{f}, reception."),
        ("How can I help?", "How may I direct your call?", "What can I do for you today?"),
        ("Hi, you've reached {n}.", "This is {n}'s phone.", "Hello, this is the voicemail of {n}.", "Hi, this is {n} from {f}.", "You have reached {f}.", "Hello!"),
        ("I can't take your call right now.", "I'm away from the phone.", "We are closed at the moment.", "Sorry I missed you.", "I'm on holiday until Monday, and will not be reading my messages.", "I'm probably driving."),
        ("Please leave a message after the tone.", "Leave your name and number and I'll get back to you.", "Leave a message.", "Send me a text instead, or try again later. Thank you.", "You know what to do."),
        ("The customer you have called is not able to take your call.", "Welcome to the voicemail service.", "Your call has been forwarded to an automated voice messaging system.", "The mobile you are calling is switched off.", "Mailbox of seven, four, two, nine, one, one."),
        ("Please leave a message after the tone.", "Record your message after the beep.", "At the tone, please record your message."),
        ("The number you have dialled has not been recognised.", "Sorry, this number is no longer in service.", "Calls to this number are not permitted.", "The person you are calling is not accepting calls at this time.", "Lines from your area are busy at the moment."),
        ("Please check and try again.", "Please hang up and try again later.", "This is a recording.", "Goodbye."),
        ("For sales, press one.", "For service, press two.", "To hear these options again, press star.", "Calls may be recorded for training purposes.", "Your call is important to us.", "You are number four in the queue."),
        ("Hi, I'm {n}'s assistant.", "Hello, the person you called is using call screening.", "This call is being screened.", "Hi, you've reached an automated assistant."),
        ("Please say who you are and why you are calling.", "May I ask who is calling?", "Can you tell me your name and what this is about?", "Please stay on the line and say your name."),
    ),
    "es": Script(
        ("Pedro", "María José", "García", "el doctor Vega", "Ana", "Fernando Gutiérrez"),
        ("Fontanería Norte", "Clínica Dental Sol", "Abogados Ríos y Asociados", "Hotel Miramar"),
        ("¿Sí?", "¿Diga?", "¿Hola?", "¿Aló?", "Dígame.", "{n}.", "Hola, hola.", "Buenas.", "Sí, diga."),
        ("¿Quién es?", "Soy {n}.", "¿Con quién hablo?", "Habla {n}, dígame.", "¿De parte de quién?", "¿Me oye?"),
        ("{f}, buenos días.", "{f}, le atiende {n}.", "Buenas tardes, {f}.", "Gracias por llamar a {f}."),
        ("¿En qué puedo ayudarle?", "Dígame.", "¿Qué desea?"),
        ("Hola, soy {n}.", "Has llamado a {n}.", "Este es el buzón de voz de {n}.", "Ha llamado usted a {f}.", "¡Hola!"),
        ("Ahora no puedo atenderte.", "En este momento no estoy disponible.", "Estamos cerrados.", "Estoy de vacaciones hasta el lunes y no leeré los mensajes.", "Seguramente estoy conduciendo."),
        ("Deja tu mensaje después de la señal.", "Deja tu nombre y tu teléfono y te llamaré.", "Deja un mensaje.", "Mándame un mensaje de texto o vuelve a llamar más tarde. Gracias."),
        ("El cliente al que llama no puede atender su llamada.", "Bienvenido al buzón de voz.", "El móvil al que llama está apagado.", "Buzón del siete, cuatro, dos, nueve, uno, uno."),
        ("Grabe su mensaje después de la señal.", "Deje su mensaje después del tono."),
        ("El número marcado no existe.", "Este número ya no está en servicio.", "Las líneas están ocupadas en este momento.", "El usuario tiene restringidas las llamadas entrantes."),
        ("Compruébelo y vuelva a marcar.", "Inténtelo más tarde.", "Esto es una grabación.", "Gracias."),
        ("Para ventas, pulse uno.", "Para averías, pulse dos.", "Su llamada es importante para nosotros.", "Esta llamada puede ser grabada.", "Permanezca a la espera."),
        ("Hola, soy el asistente de {n}.", "La persona a la que llama filtra sus llamadas.", "Esta llamada se está filtrando."),
        ("Diga quién es y por qué llama.", "¿Puede decirme su nombre y el motivo de la llamada?", "¿Quién llama, por favor?"),
    ),
    "fr": Script(
        ("Pierre", "Marie Claude", "Dupont", "le docteur Morel", "Luc", "Véronique Delacroix"),
        ("Plomberie du Nord", "Cabinet dentaire Soleil", "Maître Girard et associés", "Hôtel de la Gare"),
        ("Allô ?", "Oui ?", "Allô, allô ?", "Oui, allô ?", "Bonsoir.", "{n}.", "Allô oui, {n}.", "Oui, bonjour."),
        ("Qui est à l'appareil ?", "C'est {n}.", "{n} à l'appareil.", "C'est de la part de qui ?", "Vous m'entendez ?", "Je vous écoute."),
        ("{f}, bonjour.", "{f}, {n} à votre écoute.", "Bonjour, {f}, ici {n}.", "Merci d'appeler {f}."),
        ("Que puis-je faire pour vous ?", "Je vous écoute.", "Comment puis-je vous aider ?"),
        ("Bonjour, c'est {n}.", "Vous êtes bien chez {n}.", "Bonjour, vous êtes sur la messagerie de {n}.", "Vous êtes bien chez {f}.", "Salut !"),
        ("Je ne peux pas vous répondre.", "Je suis absent pour le moment.", "Nos bureaux sont fermés.", "Je suis en congé jusqu'à lundi et je ne lirai pas mes messages.", "Je suis sûrement au volant."),
        ("Laissez un message après le bip.", "Laissez votre nom et votre numéro, je vous rappellerai.", "Laissez un message.", "Envoyez-moi un texto ou rappelez plus tard. Merci."),
        ("Le client que vous appelez ne peut pas répondre.", "Bienvenue sur la messagerie vocale.", "Le mobile que vous appelez est éteint.", "Messagerie du sept, quatre, deux, neuf, un, un."),
        ("Veuillez laisser un message après le signal sonore.", "Enregistrez votre message après le bip."),
        ("Le numéro composé n'existe pas.", "Ce numéro n'est plus en service.", "Toutes les lignes sont occupées.", "Votre correspondant n'accepte pas les appels."),
        ("Veuillez vérifier et rappeler.", "Veuillez rappeler plus tard.", "Ceci est un enregistrement.", "Merci."),
        ("Pour les ventes, tapez un.", "Pour une panne, tapez deux.", "Votre appel est important pour nous.", "Cet appel peut être enregistré.", "Veuillez patienter."),
        ("Bonjour, je suis l'assistant de {n}.", "Votre correspondant filtre ses appels.", "Cet appel est filtré."),
        ("Dites qui vous êtes et pourquoi vous appelez.", "Puis-je savoir qui appelle ?", "Pouvez-vous me donner votre nom et le motif de votre appel ?"),
    ),
    "de": Script(
        ("Peter", "Anna Lena", "Schmidt", "Doktor Vogel", "Jan", "Friederike Oppermann", "Familie Krause"),
        ("Klempnerei Nord", "Zahnarztpraxis Sonne", "Kanzlei Richter und Partner", "Hotel am Markt"),
        ("Hallo?", "Ja?", "Ja, hallo?", "{n}.", "Hallo, {n}.", "Ja bitte?", "Guten Tag.", "Moin.", "{n}, hallo?"),
        ("Wer ist da?", "Hier ist {n}.", "{n} am Apparat.", "Mit wem spreche ich?", "Können Sie mich hören?", "Wer spricht da, bitte?"),
        ("{f}, guten Tag.", "{f}, {n} am Apparat.", "Guten Morgen, {f}, mein Name ist {n}.", "Willkommen bei {f}."),
        ("Was kann ich für Sie tun?", "Wie kann ich helfen?", "Worum geht es?"),
        ("Hallo, hier ist {n}.", "Sie haben {n} erreicht.", "Das ist die Mailbox von {n}.", "Sie sind verbunden mit {f}.", "Hallo!"),
        ("Ich kann gerade nicht ans Telefon gehen.", "Ich bin im Moment nicht zu erreichen.", "Unser Büro ist zur Zeit nicht besetzt.", "Ich bin bis Montag im Urlaub und höre meine Nachrichten nicht ab.", "Ich fahre wahrscheinlich gerade Auto."),
        ("Bitte hinterlassen Sie eine Nachricht nach dem Ton.", "Sagen Sie mir Namen und Nummer, ich rufe zurück.", "Hinterlasst mir was.", "Schreiben Sie mir oder versuchen Sie es später noch einmal. Danke."),
        ("Der Teilnehmer ist vorübergehend nicht erreichbar.", "Willkommen bei der Mailbox.", "Das Mobiltelefon ist ausgeschaltet.", "Mailbox der Nummer sieben, vier, zwei, neun, eins, eins."),
        ("Bitte sprechen Sie nach dem Signalton.", "Hinterlassen Sie eine Nachricht nach dem Ton."),
        ("Die gewählte Rufnummer ist nicht vergeben.", "Dieser Anschluss ist nicht mehr erreichbar.", "Alle Leitungen sind belegt.", "Der Teilnehmer nimmt keine Anrufe an."),
        ("Bitte prüfen Sie die Nummer.", "Bitte rufen Sie später wieder an.", "Dies ist eine Ansage.", "Vielen Dank."),
        ("Für den Verkauf drücken Sie die Eins.", "Für Störungen drücken Sie die Zwei.", "Ihr Anruf ist uns wichtig.", "Das Gespräch kann aufgezeichnet werden.", "Bitte bleiben Sie in der Leitung."),
        ("Hallo, ich bin der Assistent von {n}.", "Die angerufene Person lässt Anrufe prüfen.", "Dieser Anruf wird geprüft."),
        ("Bitte sagen Sie, wer Sie sind und warum Sie anrufen.", "Wer ruft bitte an?", "Können Sie mir Ihren Namen und den Grund nennen?"),
    ),
    "pt": Script(
        ("Pedro", "Maria Clara", "Souza", "doutor Lima", "Ana", "Fernanda Albuquerque"),
        ("Encanadores do Norte", "Clínica Sol", "Advogados Pereira", "Hotel Beira Mar"),
        ("Alô?", "Oi?", "Sim?", "Oi, alô?", "{n}.", "Bom dia.", "Diga."),
        ("Quem fala?", "Aqui é {n}.", "Quem está falando?", "Pode falar.", "Está me ouvindo?", "De onde fala?"),
        ("{f}, bom dia.", "{f}, {n} falando.", "Boa tarde, {f}.", "Obrigado por ligar para {f}."),
        ("Em que posso ajudar?", "Pois não?", "Como posso ajudar?"),
        ("Oi, aqui é {n}.", "Você ligou para {n}.", "Esta é a caixa postal de {n}.", "Você ligou para {f}.", "Olá!"),
        ("Não posso atender agora.", "No momento não estou.", "Estamos fechados.", "Estou de férias até segunda e não vou ouvir os recados.", "Devo estar dirigindo."),
        ("Deixe seu recado após o sinal.", "Deixe seu nome e número que eu retorno.", "Deixe um recado.", "Mande uma mensagem ou ligue mais tarde. Obrigado."),
        ("O cliente não pode atender sua chamada.", "Bem-vindo à caixa postal.", "O celular chamado está desligado.", "Caixa postal de sete, quatro, dois, nove, um, um."),
        ("Grave seu recado após o sinal.", "Deixe sua mensagem após o bipe."),
        ("Este número não existe.", "O número discado não está em serviço.", "Todas as linhas estão ocupadas.", "Este telefone não recebe chamadas."),
        ("Verifique e ligue novamente.", "Tente mais tarde.", "Esta é uma gravação.", "Obrigado."),
        ("Para vendas, digite um.", "Para reparos, digite dois.", "Sua ligação é importante para nós.", "Esta ligação pode ser gravada.", "Aguarde na linha."),
        ("Oi, sou o assistente de {n}.", "A pessoa que você ligou usa um filtro de chamadas.", "Esta chamada está sendo filtrada."),
        ("Diga quem é e por que está ligando.", "Quem está ligando, por favor?", "Pode me dizer seu nome e o motivo da ligação?"),
    ),
    "pl": Script(
        ("Piotr", "Anna Maria", "Kowalska", "doktor Zając", "Jan", "Katarzyna Wiśniewska"),
        ("Hydraulika Północ", "Przychodnia Słońce", "Kancelaria Nowak i Wspólnicy", "Hotel Rynek"),
        ("Halo?", "Tak?", "Słucham?", "Tak, słucham.", "{n}.", "Halo, halo?", "Proszę."),
        ("Kto mówi?", "Mówi {n}.", "Z kim rozmawiam?", "Przy telefonie {n}.", "Czy mnie słychać?", "O co chodzi?"),
        ("{f}, dzień dobry.", "{f}, mówi {n}.", "Dzień dobry, {f}.", "Dziękujemy za telefon do {f}."),
        ("W czym mogę pomóc?", "Słucham państwa.", "Czym mogę służyć?"),
        ("Cześć, tu {n}.", "Dodzwoniłeś się do {n}.", "To jest poczta głosowa, {n}.", "Tu {f}.", "Cześć!"),
        ("Nie mogę teraz odebrać.", "W tej chwili mnie nie ma.", "Biuro jest nieczynne.", "Jestem na urlopie do poniedziałku i nie odsłuchuję wiadomości.", "Pewnie prowadzę samochód."),
        ("Zostaw wiadomość po sygnale.", "Zostaw imię i numer, oddzwonię.", "Zostaw wiadomość.", "Wyślij mi wiadomość albo zadzwoń później. Dziękuję."),
        ("Abonent nie może odebrać połączenia.", "Witamy w poczcie głosowej.", "Telefon abonenta jest wyłączony.", "Skrzynka numeru siedem, cztery, dwa, dziewięć, jeden."),
        ("Po sygnale nagraj wiadomość.", "Proszę zostawić wiadomość po sygnale."),
        ("Wybrany numer nie istnieje.", "Ten numer jest już nieaktywny.", "Wszystkie linie są zajęte.", "Abonent nie przyjmuje połączeń."),
        ("Proszę sprawdzić numer.", "Proszę zadzwonić później.", "To jest nagranie.", "Dziękujemy."),
        ("Sprzedaż, wybierz jeden.", "Awarie, wybierz dwa.", "Twoje połączenie jest dla nas ważne.", "Rozmowa może być nagrywana.", "Proszę czekać."),
        ("Cześć, jestem asystentem. Pomagam, {n}.", "Ta osoba sprawdza połączenia.", "To połączenie jest sprawdzane."),
        ("Powiedz, kim jesteś i dlaczego dzwonisz.", "Kto dzwoni?", "Proszę podać imię i powód rozmowy."),
    ),
    "nl": Script(
        ("Pieter", "Anne Marie", "de Vries", "dokter Bakker", "Jan", "Wilhelmina van den Berg"),
        ("Loodgieter Noord", "Tandarts Zon", "Advocaten Visser en Partners", "Hotel de Markt"),
        ("Hallo?", "Ja?", "Ja, hallo?", "{n}.", "Met {n}.", "Goedenavond.", "Hoi."),
        ("Met wie spreek ik?", "Je spreekt met {n}.", "Wie is dit?", "Ja, zeg het maar.", "Kunt u mij horen?", "Wie belt er?"),
        ("{f}, goedemorgen.", "{f}, u spreekt met {n}.", "Goedemiddag, {f}.", "Dank u voor het bellen naar {f}."),
        ("Waarmee kan ik u helpen?", "Wat kan ik voor u doen?", "Zegt u het maar."),
        ("Hoi, dit is {n}.", "Je hebt {n} gebeld.", "Dit is de voicemail van {n}.", "U bent verbonden met {f}.", "Hallo!"),
        ("Ik kan nu niet opnemen.", "Ik ben even niet bereikbaar.", "Wij zijn gesloten.", "Ik ben tot maandag met vakantie en luister mijn berichten niet af.", "Ik zit waarschijnlijk in de auto."),
        ("Spreek een bericht in na de toon.", "Laat je naam en nummer achter, dan bel ik terug.", "Laat een bericht achter.", "Stuur een berichtje of probeer het later. Bedankt."),
        ("De abonnee kan uw oproep niet beantwoorden.", "Welkom bij de voicemail.", "De mobiele telefoon staat uit.", "Voicemail van nummer zeven, vier, twee, negen, een, een."),
        ("Spreek uw bericht in na de piep.", "U kunt na de toon een bericht inspreken."),
        ("Dit nummer is niet in gebruik.", "Het gekozen nummer bestaat niet.", "Alle lijnen zijn bezet.", "De abonnee neemt geen oproepen aan."),
        ("Controleer het nummer.", "Probeer het later nog eens.", "Dit is een opname.", "Dank u wel."),
        ("Voor verkoop, toets een.", "Voor storingen, toets twee.", "Uw gesprek is belangrijk voor ons.", "Dit gesprek kan worden opgenomen.", "Blijf aan de lijn."),
        ("Hallo, ik ben de assistent van {n}.", "De persoon die u belt filtert oproepen.", "Deze oproep wordt gecontroleerd."),
        ("Zeg wie u bent en waarom u belt.", "Mag ik vragen wie er belt?", "Kunt u uw naam en de reden noemen?"),
    ),
    "fi": Script(
        ("Pekka", "Anna Maria", "Virtanen", "tohtori Laine", "Jan", "Katariina Korhonen"),
        ("Putkityö Pohjola", "Hammaslääkäri Aurinko", "Asianajotoimisto Niemi", "Hotelli Tori"),
        ("Haloo?", "Niin?", "Hei.", "{n}.", "No moi.", "{n} puhelimessa.", "Joo?"),
        ("Kuka siellä?", "Täällä {n}.", "Kenen kanssa puhun?", "Mitä asia koskee?", "Kuuletko minua?"),
        ("{f}, hyvää päivää.", "{f}, {n} puhelimessa.", "Hyvää huomenta, {f}.", "Kiitos soitosta, {f}."),
        ("Miten voin auttaa?", "Mitä saisi olla?", "Kuinka voin palvella?"),
        ("Hei, täällä {n}.", "Soitit numeroon, {n}.", "Tämä on vastaaja, {n}.", "Olette soittaneet yritykseen {f}.", "Moi!"),
        ("En voi nyt vastata.", "En ole juuri nyt tavoitettavissa.", "Toimistomme on suljettu.", "Olen lomalla maanantaihin enkä kuuntele viestejä.", "Olen varmaan ajamassa."),
        ("Jätä viesti äänimerkin jälkeen.", "Jätä nimesi ja numerosi, niin soitan takaisin.", "Jätä viesti.", "Lähetä tekstiviesti tai soita myöhemmin. Kiitos."),
        ("Tavoittelemasi henkilö ei voi vastata.", "Tervetuloa vastaajaan.", "Puhelin on suljettu.", "Vastaaja numerossa seitsemän, neljä, kaksi, yhdeksän."),
        ("Puhu äänimerkin jälkeen.", "Voit jättää viestin äänimerkin jälkeen."),
        ("Valitsemasi numero ei ole käytössä.", "Numero on poistettu käytöstä.", "Kaikki linjat ovat varattuja.", "Liittymä ei vastaanota puheluita."),
        ("Tarkista numero.", "Soita myöhemmin uudelleen.", "Tämä on nauhoite.", "Kiitos."),
        ("Myynti, valitse yksi.", "Viat, valitse kaksi.", "Puhelusi on meille tärkeä.", "Puhelu voidaan nauhoittaa.", "Odota hetki."),
        ("Hei, olen avustaja. Autan, {n}.", "Soittamasi henkilö suodattaa puhelut.", "Tämä puhelu tarkistetaan."),
        ("Kerro kuka olet ja miksi soitat.", "Kuka soittaa?", "Voitko sanoa nimesi ja asiasi?"),
    ),
}  # fmt: skip


def said(language: str, kind: str, dice: random.Random) -> str:
    """What one training call says: a sentence of `phrases.py` now and then, else one put together."""
    if dice.random() < 0.3:
        return str(dice.choice(getattr(PHRASES[language], kind)))
    script = SCRIPTS[language]
    text = PLANS[kind](script, dice)
    return text.replace("{n}", dice.choice(script.names)).replace("{f}", dice.choice(script.firms))


def joined(parts: list[str], dice: random.Random, breath: float) -> str:
    """Sentences with a breath between some of them."""
    return "".join(part if not number else (" | " if dice.random() < breath else " ") + part for number, part in enumerate(parts))


def hello(script: Script, dice: random.Random) -> str:
    """One of `hello`."""
    return dice.choice(script.hello)


def who(script: Script, dice: random.Random) -> str:
    """One of `who`, often after a hello."""
    return joined([dice.choice(script.hello), dice.choice(script.who)] if dice.random() < 0.6 else [dice.choice(script.who)], dice, 0.4)


def business(script: Script, dice: random.Random) -> str:
    """A firm, and often an offer of help."""
    return joined([dice.choice(script.business), *([dice.choice(script.help)] if dice.random() < 0.7 else [])], dice, 0.1)


def personal(script: Script, dice: random.Random) -> str:
    """An opening, often an excuse or two, a request."""
    return joined([dice.choice(script.opening), *dice.sample(script.excuse, dice.choice((0, 1, 1, 1, 2))), dice.choice(script.request)], dice, 0.5)


def short(script: Script, dice: random.Random) -> str:
    """Two parts in one breath, or one alone."""
    parts = [dice.choice(script.opening), dice.choice((min(script.request, key=len), *script.request, *script.excuse))]
    return joined(parts if dice.random() < 0.8 else parts[:1], dice, 0.1)


def network(script: Script, dice: random.Random) -> str:
    """What is wrong, and what to do after the tone."""
    return joined([dice.choice(script.network), dice.choice(script.record)], dice, 0.6)


def announcement(script: Script, dice: random.Random) -> str:
    """Trouble with advice, perhaps twice, or a menu."""
    if dice.random() < 0.35:
        return joined([dice.choice(script.business[-1:]), *dice.sample(script.menu, dice.choice((2, 3, 3)))], dice, 0.5)
    parts = [dice.choice(script.trouble), *([dice.choice(script.advice)] if dice.random() < 0.8 else [])]
    return joined(parts * (2 if dice.random() < 0.3 else 1), dice, 0.6)


def screening(script: Script, dice: random.Random) -> str:
    """That it is an assistant, and what it wants to know."""
    return joined([dice.choice(script.screening), dice.choice(script.reason)] if dice.random() < 0.85 else [dice.choice(script.reason)], dice, 0.6)


PLANS: dict[str, Callable[[Script, random.Random], str]] = {
    "hello": hello, "who": who, "business": business, "personal": personal, "short": short,
    "network": network, "announcement": announcement, "screening": screening,
}  # fmt: skip
