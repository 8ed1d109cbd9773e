# ruff: noqa: RUF001 - the punctuation of many languages is meant as it looks
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.models.claims import is_claim

CLAIMS = """
I've turned on the kitchen light.
I’ve turned on the kitchen light.
I have turned off all the lights.
I just turned on the lamp.
I turned off the TV for you.
I've set the thermostat to 21 degrees.
I have now locked the front door.
I've gone ahead and opened the curtains.
I went ahead and closed the garage door.
Okay, I've dimmed the bed light.
Sure! I have added milk to the shopping list.
Done, the light is on.
Done!
Done. The bedroom is dark now.
All done.
All set!
Okay, done.
It's done.
That's done.
The kitchen light is now on.
The lights are now off.
The door is now locked.
The light is on now.
Your lights are now dimmed to 30 percent.
The thermostat has been set to 20 degrees.
The lights have been turned off.
The front door has been locked.
Milk has been added to your shopping list.
Turned on the kitchen light.
Turned the light off.
Turning on the kitchen light.
Turning the lights off now.
Okay, turning on the lights.
Sure, locking the front door now.
Opening the curtains for you.
Playing jazz on the TV.
I'm turning on the light.
I am closing the curtains now.
I'll turn on the light for you.
I will lock the door now.
Sure, I'll dim the lights.
I've started the vacuum.
I paused the music.
I have activated the scene Movie Time.
I've made it warmer, and the heating is at 22.
Got it, the lamp has been switched off.
Yes, I've unlocked the door.
Ich habe das Licht eingeschaltet.
Ich hab die Lampe ausgemacht.
Ich habe die Heizung auf 21 Grad gestellt.
Erledigt.
Erledigt, das Licht ist an.
Okay, ich schalte das Licht ein.
Ich mache das Licht jetzt an.
Das Licht ist jetzt an.
Das Licht ist nun ausgeschaltet.
Die Tür wurde verriegelt.
Die Lichter wurden ausgeschaltet.
Alles klar, das Licht wurde eingeschaltet.
Milch wurde zur Einkaufsliste hinzugefügt.
Ich habe Milch auf die Einkaufsliste gesetzt.
Gemacht!
Die Rollläden werden jetzt geschlossen.
Ich schließe die Vorhänge.
Ich habe die Haustür abgeschlossen.
Schalte das Licht ein.
J'ai allumé la lumière.
J’ai bien éteint toutes les lampes.
C'est fait.
C'est fait, la lumière est allumée.
La lumière est maintenant éteinte.
Les volets ont été fermés.
J'allume la lumière.
He encendido la luz.
Ya he apagado todas las luces.
Listo, la luz está encendida.
Hecho.
La luz está ahora apagada.
La puerta ha sido cerrada.
Ho acceso la luce.
Ho già spento tutte le luci.
Fatto!
La luce è ora accesa.
Le tapparelle sono state chiuse.
Ik heb het licht aangezet.
Ik heb alle lampen uitgedaan.
Gedaan.
Het licht is nu aan.
De gordijnen zijn nu gesloten.
""".strip().splitlines()

OTHERS = """
The kitchen light is on.
The lights are off.
The front door is locked.
Yes, the garage door is open.
No, the bed light is off.
I can turn on the light if you like.
Shall I turn on the light?
Should I lock the door?
Do you want me to turn off the lights?
Would you like me to set the thermostat to 20?
I could not turn on the light.
I couldn't turn on the kitchen light.
I have not turned on anything.
I haven't turned on the light.
I did not turn on the light.
I didn't actually do that.
Sorry, I cannot turn on the light.
I can't lock doors.
I am not able to open the garage.
I was unable to turn on the light.
I won't turn on the light without a yes.
If I turn on the light, the cat wakes up.
Once I have turned on the light, it stays on.
You turned on the light yesterday.
You can turn on the light by saying so.
To turn on the light, say turn on the light.
Edison did not invent the first lamp.
The first street lights were turned on in 1879.
The bridge was opened in 1932.
It has been raining since noon.
The sun has set.
It is now three o'clock.
It is now raining.
The weather is now sunny with 18 degrees.
I have no access to the calendar.
I have three ideas for dinner.
I've heard that jazz began in New Orleans.
I think turning off the heating saves money.
Turning off the lights saves energy.
Playing chess is good for the brain.
Opening hours are nine to five.
There are two lights on in the kitchen.
Which light do you mean?
What would you like me to set it to?
Did you mean the lamp that I turned on?
Paris is the capital of France.
The timer is done when it rings.
Once the pasta is done, drain it.
A cake is done when a skewer comes out clean.
Set theory is a branch of mathematics.
I will be happy to help.
I'll be glad to tell you more.
I'll explain it briefly.
Locks have been used since antiquity.
Before I lock the door, please close it.
Let me know if you want the lights on.
Ich kann das Licht einschalten.
Soll ich das Licht einschalten?
Das Licht ist an.
Die Tür ist verriegelt.
Ich habe das Licht nicht eingeschaltet.
Ich konnte das Licht nicht einschalten.
Das Licht wurde nicht eingeschaltet.
Möchtest du, dass ich das Licht einschalte?
Wenn ich das Licht einschalte, wacht die Katze auf.
Du hast das Licht gestern eingeschaltet.
Ich habe drei Ideen.
Es ist jetzt drei Uhr.
Die Mauer wurde 1961 gebaut.
Ich habe leider keinen Zugriff auf den Kalender.
Das Wetter ist jetzt sonnig.
Ich schließe daraus, dass es regnet.
La lumière est allumée.
Je ne peux pas allumer la lumière.
Je n'ai pas allumé la lumière.
J'ai trois idées.
Voulez-vous que j'allume la lumière ?
La luz está encendida.
No he encendido la luz.
He oído hablar de eso.
¿Enciendo la luz?
La luce è accesa.
Non ho acceso la luce.
Ho tre idee.
Het licht is aan.
Ik heb het licht niet aangezet.
Ik heb drie ideeën.
Zal ik het licht aanzetten?
""".strip().splitlines()


@pytest.mark.parametrize("text", CLAIMS)
def test_what_says_that_something_was_done_is_a_claim(text: str) -> None:
    assert is_claim(text)


@pytest.mark.parametrize("text", OTHERS)
def test_reports_questions_offers_and_refusals_are_no_claims(text: str) -> None:
    assert not is_claim(text)


def test_a_claim_is_found_behind_another_sentence() -> None:
    assert is_claim("It is cold outside. I've turned on the heating.")


@given(st.text(max_size=300))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert is_claim(text) in {True, False}


def test_a_long_text_is_quick_to_ask_about() -> None:
    assert not is_claim("the light is " * 20_000)
