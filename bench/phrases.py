"""What people and machines say when they pick up, in the languages of the corpus. Written for it; none is a transcript.

A `|` is a pause of a breath: the corpus gives it a length of its own for every rendering.
"""

from typing import NamedTuple


class Phrases(NamedTuple):
    """One language."""

    hello: tuple[str, ...]
    "A word or two, then waiting."
    who: tuple[str, ...]
    "A person who says more, still within two seconds or so."
    business: tuple[str, ...]
    "A person at work, who says a sentence."
    personal: tuple[str, ...]
    "A voicemail greeting its owner spoke."
    short: tuple[str, ...]
    "The same in a hurry: hard to tell from a person."
    network: tuple[str, ...]
    "A voicemail greeting of the network or the exchange."
    announcement: tuple[str, ...]
    "Recorded, and no message can be left."
    screening: tuple[str, ...]
    "An assistant that asks who is calling, then waits."


PHRASES = {
    "en": Phrases(
        ("Hello?", "Hello.", "Yes?", "Hi.", "Yeah, hello?"),
        ("Hello, who is this?", "Yes, this is Peter speaking.", "Hello? | Hello, who's there?", "Margaret Brown.", "Hi, this is Susan."),
        ("Acme Widgets, this is Maria, how may I help you?", "Good morning, Baker and Sons, Tom speaking.", "Thank you for calling the Harbour Clinic, how can I help?"),
        ("Hi, you've reached Daniel. | I can't come to the phone right now, so please leave your name and number and I'll call you back as soon as I can. Thanks, bye.",
         "Hello, this is Helen. I'm either away from my desk or on another call. | Please leave a message after the tone.",
         "Hey, it's Mark. | Sorry I missed you. Leave me a message or send me a text."),
        ("Hi, it's Joe, leave a message.", "This is Anna. Leave a message after the beep."),
        ("The person you are trying to reach is not available. | At the tone, please record your message. When you have finished recording, you may hang up.",
         "Your call has been forwarded to an automatic voice message system. | Two zero five, five five one, eight one two four, is not available."),
        ("We're sorry. | The number you have dialled is not in service. Please check the number and try again.",
         "Welcome to Northern Gas. | For accounts, press one. For repairs, press two. For anything else, please hold the line.",
         "All our agents are busy. | Please stay on the line and your call will be answered in the order it was received."),
        ("Hi, the person you're calling is using a screening service. | Go ahead and say your name and why you're calling.",
         "Please state your name and the reason for your call, | and I will see if this person is available."),
    ),
    "es": Phrases(
        ("¿Diga?", "¿Hola?", "¿Sí?", "¿Bueno?", "Dígame."),
        ("¿Sí, quién es?", "Hola, soy Carmen.", "¿Hola? | ¿Quién habla?", "Javier Ortega, dígame."),
        ("Talleres Molina, le atiende Lucía, ¿en qué puedo ayudarle?", "Buenos días, clínica del puerto, dígame."),
        ("Hola, soy Pablo. | Ahora mismo no puedo atenderte. Deja tu nombre y tu número y te llamo en cuanto pueda. Gracias.",
         "Este es el contestador de la familia Ruiz. | No estamos en casa. Deje su mensaje después de la señal."),
        ("Hola, soy Marta, deja un mensaje.", "Soy Luis. Habla después de la señal."),
        ("El teléfono al que llama está apagado o fuera de cobertura en este momento. | Por favor, deje su mensaje después de oír la señal.",),
        ("El número que ha marcado no existe. | Por favor, compruebe el número y vuelva a llamar.",
         "Bienvenido a Gas del Norte. | Para facturas, pulse uno. Para averías, pulse dos."),
        ("La persona a la que llama usa un asistente. | Por favor, diga su nombre y el motivo de su llamada.",),
    ),
    "fr": Phrases(
        ("Allô ?", "Oui ?", "Oui, allô ?", "Bonjour."),
        ("Allô, qui est à l'appareil ?", "Oui, c'est Claire.", "Allô ? | Oui, bonjour ?", "Madame Lefèvre, bonjour."),
        ("Garage Martin, bonjour, Sophie à votre écoute.", "Cabinet du docteur Blanc, que puis-je faire pour vous ?"),
        ("Bonjour, vous êtes bien sur le répondeur de Julien. | Je ne suis pas disponible pour le moment. Laissez-moi un message et je vous rappellerai. À bientôt.",
         "Bonjour, c'est Nathalie. | Je ne peux pas vous répondre, merci de laisser votre nom et votre numéro après le bip."),
        ("C'est Paul, laissez un message.", "Bonjour, c'est Léa. Parlez après le bip."),
        ("Votre correspondant n'est pas disponible pour le moment. | Veuillez laisser votre message après le signal sonore.",),
        ("Le numéro que vous avez demandé n'est pas attribué. | Veuillez consulter l'annuaire.",
         "Bienvenue chez Gaz du Nord. | Pour une facture, tapez un. Pour une panne, tapez deux."),
        ("La personne que vous appelez filtre ses appels. | Merci de dire votre nom et la raison de votre appel.",),
    ),
    "de": Phrases(
        ("Hallo?", "Ja?", "Müller.", "Ja bitte?", "Schneider?"),
        ("Hallo, wer ist da?", "Ja, hier ist Karin.", "Guten Tag, Weber am Apparat.", "Hallo? | Wer spricht denn da?"),
        ("Autohaus Bergmann, mein Name ist Julia Koch, was kann ich für Sie tun?", "Praxis Doktor Lang, guten Morgen, was kann ich für Sie tun?"),
        ("Hallo, hier ist der Anschluss von Stefan Wolf. | Ich bin gerade nicht zu erreichen. Bitte hinterlassen Sie eine Nachricht, ich rufe dann zurück.",
         "Hallo, das ist die Mailbox von Petra. | Ihr könnt mir gerne etwas nach dem Ton hinterlassen. Danke und tschüss."),
        ("Hier ist Jan, bitte nach dem Ton sprechen.", "Anschluss Meier, bitte eine Nachricht."),
        ("Der gewünschte Gesprächspartner ist zur Zeit nicht erreichbar. | Bitte sprechen Sie nach dem Signalton.",),
        ("Kein Anschluss unter dieser Nummer. | Kein Anschluss unter dieser Nummer.",
         "Willkommen bei der Nordgas. | Für Rechnungen drücken Sie die Eins, für Störungen drücken Sie die Zwei."),
        ("Die angerufene Person nutzt einen Assistenten. | Bitte nennen Sie Ihren Namen und den Grund Ihres Anrufs.",),
    ),
    "pt": Phrases(
        ("Alô?", "Oi?", "Pronto.", "Sim?"),
        ("Alô, quem fala?", "Oi, aqui é a Paula.", "Alô? | Quem é?", "Estou sim?"),
        ("Oficina Silva, bom dia, em que posso ajudar?", "Clínica Boa Vista, Mariana, como posso ajudar?"),
        ("Olá, você ligou para o Rafael. | No momento eu não posso atender. Deixe seu recado e eu ligo de volta assim que puder. Obrigado.",),
        ("Oi, é o João, deixe um recado.",),
        ("Sua chamada está sendo encaminhada para a caixa de mensagens | e estará sujeita a cobrança após o sinal.",),
        ("O número chamado não existe. | Por favor, verifique o número e ligue novamente.",
         "Bem-vindo à Gás Norte. | Para contas, digite um. Para reparos, digite dois."),
        ("A pessoa para quem você ligou usa um assistente. | Por favor, diga seu nome e o motivo da chamada.",),
    ),
    "pl": Phrases(
        ("Halo?", "Słucham?", "Tak?", "Halo, słucham."),
        ("Halo, kto mówi?", "Tak, przy telefonie.", "Nowak, słucham.", "Halo? | Kto tam?"),
        ("Warsztat Kowalski, dzień dobry, w czym mogę pomóc?", "Przychodnia Zdrowie, Anna, słucham pana."),
        ("Cześć, tu Marek. | Nie mogę teraz odebrać telefonu. Zostaw wiadomość po sygnale, a oddzwonię, kiedy tylko będę mógł.",),
        ("Tu Ewa, zostaw wiadomość.",),
        ("Abonent jest czasowo niedostępny. | Proszę zostawić wiadomość po usłyszeniu sygnału.",),
        ("Nie ma takiego numeru. | Proszę sprawdzić numer i spróbować ponownie.",
         "Witamy w Gazowni Północ. | Rachunki, naciśnij jeden. Awarie, naciśnij dwa."),
        ("Osoba, do której dzwonisz, korzysta z asystenta. | Proszę podać swoje imię i powód rozmowy.",),
    ),
    "nl": Phrases(
        ("Hallo?", "Ja?", "De Vries.", "Met Jan."),
        ("Hallo, met wie spreek ik?", "Met Ingrid de Boer.", "Ja, hallo? | Wie is daar?"),
        ("Garage van Dijk, goedemorgen, u spreekt met Lisa.", "Tandarts Bakker, waarmee kan ik u helpen?"),
        ("Hoi, dit is de voicemail van Pieter. | Ik kan nu even niet opnemen. Spreek je naam en nummer in, dan bel ik je terug.",),
        ("Met Sanne, spreek een bericht in.",),
        ("De persoon die u belt is niet bereikbaar. | Spreek uw bericht in na de piep.",),
        ("Het nummer dat u gekozen heeft is niet in gebruik. | Controleer het nummer en probeer het opnieuw.",),
        ("Degene die u belt gebruikt een assistent. | Zeg uw naam en waarom u belt.",),
    ),
    "fi": Phrases(
        ("Haloo?", "No?", "Virtanen.", "Joo?"),
        ("Haloo, kuka siellä?", "Matti Korhonen puhelimessa.", "Joo, hei? | Kuka soittaa?"),
        ("Korjaamo Nieminen, hyvää päivää, kuinka voin auttaa?",),
        ("Hei, tässä on Laura. | En pääse nyt puhelimeen. Jätä viesti äänimerkin jälkeen, niin soitan sinulle takaisin.",),
        ("Tässä Antti, jätä viesti.",),
        ("Tavoittelemanne henkilö ei vastaa juuri nyt. | Voitte jättää viestin äänimerkin jälkeen.",),
        ("Valitsemanne numero ei ole käytössä. | Tarkistakaa numero ja soittakaa uudelleen.",),
        ("Tavoittelemasi henkilö käyttää avustajaa. | Kerro nimesi ja miksi soitat.",),
    ),
    "it": Phrases(
        ("Pronto?", "Sì?", "Pronto, sì?", "Rossi."),
        ("Pronto, chi parla?", "Sì, sono Chiara.", "Pronto? | Chi è?", "Sono Marco Bianchi."),
        ("Officina Ferrari, buongiorno, sono Giulia, come posso aiutarla?", "Studio Conti, buongiorno, mi dica."),
        ("Ciao, sono Andrea. | In questo momento non posso rispondere. Lasciate un messaggio dopo il segnale e vi richiamerò appena possibile.",
         "Questa è la segreteria telefonica della famiglia Russo. | Non siamo in casa. Lasciate il vostro nome e il numero."),
        ("Sono Luca, lascia un messaggio.", "Ciao, sono Sara. Parla dopo il segnale."),
        ("L'utente da lei chiamato non è al momento raggiungibile. | La preghiamo di lasciare un messaggio dopo il segnale acustico.",),
        ("Il numero selezionato è inesistente. | La preghiamo di controllare il numero e di riprovare.",
         "Benvenuto in Gas Nord. | Per le bollette, prema uno. Per i guasti, prema due."),
        ("La persona che sta chiamando usa un assistente. | Dica il suo nome e il motivo della chiamata.",),
    ),
    "ru": Phrases(
        ("Алло?", "Да?", "Слушаю.", "Алло, да?"),
        ("Алло, кто это?", "Да, слушаю вас.", "Алло? | Говорите.", "Иванов слушает."),
        ("Автосервис Мотор, добрый день, меня зовут Ольга, чем могу помочь?", "Клиника Здоровье, здравствуйте."),
        ("Здравствуйте, это Сергей. | Сейчас я не могу ответить на звонок. Оставьте сообщение после сигнала, и я вам перезвоню.",),
        ("Это Катя, оставьте сообщение.",),
        ("Абонент временно недоступен. | Пожалуйста, оставьте сообщение после звукового сигнала.",),
        ("Набранный вами номер не существует. | Проверьте правильность набора номера.",
         "Добро пожаловать в компанию Север Газ. | Для оплаты нажмите один, для ремонта нажмите два."),
        ("Абонент использует помощника. | Назовите ваше имя и причину звонка.",),
    ),
    "cs": Phrases(
        ("Haló?", "Prosím?", "Ano?", "Novák."),
        ("Haló, kdo je tam?", "Ano, u telefonu.", "Prosím? | Kdo volá?", "Tady Svobodová, prosím."),
        ("Autoservis Dvořák, dobrý den, co pro vás mohu udělat?", "Ordinace doktora Černého, dobrý den."),
        ("Dobrý den, tady Tomáš. | Teď nemohu přijmout váš hovor. Nechte mi vzkaz po zaznění tónu a já se vám ozvu.",),
        ("Tady Jana, nechte vzkaz.",),
        ("Volaný účastník není dostupný. | Po zaznění tónu zanechte vzkaz.",),
        ("Volané číslo neexistuje. | Zkontrolujte prosím číslo a volejte znovu.",),
        ("Volaný používá asistenta. | Řekněte své jméno a důvod hovoru.",),
    ),
    "ca": Phrases(
        ("Digui?", "Sí?", "Hola?", "Digues."),
        ("Sí, qui parla?", "Hola, sóc la Marta.", "Hola? | Qui és?"),
        ("Taller Puig, bon dia, en què el puc ajudar?",),
        ("Hola, sóc en Jordi. | Ara mateix no puc atendre la trucada. Deixa un missatge després del senyal i et trucaré.",),
        ("Sóc la Núria, deixa un missatge.",),
        ("El telèfon al qual truca està apagat o fora de cobertura. | Deixi el seu missatge després del senyal.",),
        ("El número que ha marcat no existeix. | Comprovi el número i torni a trucar.",),
        ("La persona a qui truca fa servir un assistent. | Digui el seu nom i el motiu de la trucada.",),
    ),
    "sv": Phrases(
        ("Hallå?", "Ja?", "Andersson.", "Hej?"),
        ("Hallå, vem är det?", "Ja, det är Karin.", "Hallå? | Vem pratar jag med?"),
        ("Bilverkstan Lund, god morgon, vad kan jag hjälpa till med?",),
        ("Hej, du har kommit till Erik. | Jag kan inte svara just nu. Lämna ett meddelande efter pipet så ringer jag upp.",),
        ("Det är Maja, lämna ett meddelande.",),
        ("Personen du söker kan inte svara just nu. | Lämna ett meddelande efter tonen.",),
        ("Numret du har ringt används inte. | Kontrollera numret och ring igen.",),
        ("Personen du ringer använder en assistent. | Säg ditt namn och varför du ringer.",),
    ),
    "ro": Phrases(
        ("Alo?", "Da?", "Da, alo?", "Popescu."),
        ("Alo, cine este?", "Da, la telefon.", "Alo? | Cine e acolo?"),
        ("Service Auto Nord, bună ziua, cu ce vă pot ajuta?",),
        ("Bună, sunt Mihai. | Acum nu pot răspunde la telefon. Lasă un mesaj după semnal și te sun eu.",),
        ("Sunt Ioana, lasă un mesaj.",),
        ("Abonatul apelat nu este disponibil. | Vă rugăm lăsați un mesaj după semnalul sonor.",),
        ("Numărul format nu este alocat. | Vă rugăm verificați numărul și reveniți.",),
        ("Persoana apelată folosește un asistent. | Spuneți numele și motivul apelului.",),
    ),
}  # fmt: skip
