"""Spoken requests and their complexity. The classifier's rules were made on TUNED; MEASURED only measures them."""

from wyoming_rosie_intent.llm.complexity import Complexity

_TUNED_SIMPLE = """
what is the capital of france
how tall is mount everest
who wrote moby dick
what's the weather like tomorrow
will it rain this afternoon
good morning
thank you that was great
tell me a joke
turn on the kitchen light
is the garage door open
what's the temperature in the bedroom
how many feet are in a mile
what time is it in tokyo
when does the sun set today
who is the president of germany
what's seven times eight
what does ubiquitous mean
how do you spell necessary
play some jazz in the living room
are you there
make it a bit warmer in here
did I leave the oven on
what day is christmas this year
how old is the queen of denmark
add milk and eggs to the shopping list
what's my next appointment
can penguins fly
which planet is the largest
how far is it to the moon
is it going to be cold tonight
wie hoch liegt madrid
wie wird das wetter morgen
mach das licht in der küche an
quelle heure est-il
what's the population of norway
who painted the mona lisa
is it windy outside
what's the score of the bayern game
hello how are you
stop the music
how much is a dozen
what year did the berlin wall fall
turn the thermostat down two degrees
do I need an umbrella today
who sings this song
how many days until easter
are all the windows closed
what's the square root of eighty one
which way is north
what's the currency of japan
dim the lights in the dining room please
when is mother's day
how do you say thank you in spanish
what's on my calendar for friday
what's the boiling point of water in fahrenheit
good night rosie
what's a group of crows called
who invented the telephone
is tomorrow a holiday
how long is a marathon
did anyone ring the doorbell
what are you called
what's your favourite colour
is there anyone in the garden
wer hat faust geschrieben
wie viel uhr haben wir
what's the longest river in africa
how many legs does a spider have
can you hear me
what's the humidity in the bathroom
which bin goes out tomorrow
what's a hundred and twenty divided by eight
when was beethoven born
skip this song
how do you spell rhythm
where's my phone
lock the front door
what's the opposite of generous
how old is tom hanks
what's the time difference to new york
is the shop open on sunday
what's the postcode of the town hall
has the washing machine finished
what are the opening hours of the library
remind me what day it is
how much battery does the vacuum have
sing a song for me
what's the weather in paris and in rome
who lives next door
cuánto es siete por ocho
"""

_TUNED_MEDIUM = """
why is the sky blue
how does a heat pump work
what should I cook with chicken rice and spinach
explain how vaccines work to a five year old
how do I get red wine out of a carpet
translate I would like a table for two please into italian
give me three ideas for a birthday present for my dad
what is the difference between a virus and a bacterium
how do I descale the coffee machine
write a limerick about my cat
tell me about the history of the roman colosseum
what happens if I mix bleach and vinegar
why do cats purr
can you recommend a good science fiction book and say why
summarize the plot of romeo and juliet
how many calories are in two eggs and a slice of toast with butter
what are the symptoms of dehydration
how long should I boil eggs and how do I peel them easily
what's fifteen percent of eighty four plus twelve
tell me a bedtime story about a dragon
how can I fall asleep faster
what's the best way to clean windows without streaks
suggest a name for a small grey rabbit
explain inflation
who won the world cup in 2014 and who scored the goal
why did the roman empire fall
warum leuchtet der mond
wie funktioniert eine wärmepumpe
why do leaves change colour in autumn
how does a microwave oven heat food
what can I make with potatoes leeks and cream
explain what a black hole is
how do I remove a splinter safely
translate the next train leaves at half past nine into french
give me some tips for a job interview
what's the difference between weather and climate
how do I reset the router
write a short poem about rain
tell me about the life of marie curie
what should I do if the smoke detector beeps every minute
why does bread rise
recommend a film for tonight something light
summarize the news about the election
how do I fold a fitted sheet
what does it mean when the washing machine shows e18
how does the stock market work
why do we dream
what's a good side dish for salmon
tell me a story about a brave mouse
how can I save water at home
describe how honey is made
warum schnurren katzen
pourquoi le ciel est-il bleu
how does noise cancelling work
why is my wifi slow in the attic
what's the easiest way to peel garlic
what could I cook tonight I only have pasta eggs and bacon
tell me something interesting about octopuses
explain the offside rule
translate where is the nearest pharmacy into portuguese
how can I get my toddler to eat vegetables
what should I plant in march
make up a riddle for the kids
give me a short summary of the matrix
how do solar eclipses happen
what do I do against hiccups
why are flamingos pink and can they fly
what's the difference between baking soda and baking powder
write a haiku about monday
how do I know when an avocado is ripe
what's a good name for a bakery
porque el mar es salado
comment fonctionne un frigo
"""

_TUNED_COMPLEX = """
compare electric cars and diesel cars over ten years of ownership
plan a three day trip to rome for a family with two small children
write a python function that reverses a linked list
what are the pros and cons of solar panels with a battery for our house
a train leaves at nine at eighty kilometres an hour and another leaves an hour later at a hundred and twenty when does the second catch up
write an email to my landlord asking him to repair the heating and mention that I have called twice
explain step by step how to solve a quadratic equation and give an example
analyse the causes of the first world war and their relative importance
write a short essay about loneliness in big cities
make me a weekly meal plan with a shopping list for four people that is vegetarian and cheap
should I rent or buy a flat given that I have fifty thousand euros and may move in five years
debug this sql query for me it returns duplicates when I join the orders table
if I invest two hundred a month at five percent for twenty years how much will I have and how much of it is interest
write a speech for my sister's wedding that is funny but not embarrassing
compare the philosophies of kant and mill on lying
design a workout programme for twelve weeks that starts from zero
walk me through refinancing a mortgage and what to look out for at each step
three friends share a bill of ninety euros anna pays twice as much as ben and ben pays ten more than carl how much does each pay
I have a meeting in munich on tuesday at ten and one in berlin at four which trains could I take and is there time for lunch between them and what would you do if the first one is late because it usually is
write a regular expression for email addresses and explain it
evaluate whether a heat pump or a gas boiler is better for a house from nineteen sixty
outline a presentation about climate change for a class of ten year olds
vergleiche elektroautos und diesel über zehn jahre
schreibe einen brief an meinen vermieter wegen der heizung
compare the health effects of running and swimming for someone with bad knees
plan a birthday party for fifteen children with games food and a timetable
write a javascript function that sorts an array of objects by date
what are the advantages and disadvantages of working from home for a small company
a rectangle is twice as long as it is wide and its perimeter is thirty six what is its area and how long is the diagonal
write a cover letter for a job as a nurse and mention my five years in intensive care
analyse the poem the road not taken
help me draft a complaint to the airline about my cancelled flight and the hotel I had to pay for
create a budget for a family of four that earns three thousand a month and wants to save five hundred
prove that the square root of two is irrational
write a story of about five hundred words about a lighthouse keeper who finds a letter
which is better for a beginner python or java and why compare them in detail
develop a study schedule for my finals I have three weeks and six subjects
my tomato plants have yellow leaves with brown spots at the bottom they get sun all day and I water them every evening what could it be and what should I do first and what next
refactor this code so that it has no global variables
discuss the arguments for and against a universal basic income
calculate the monthly payment for a loan of two hundred thousand over twenty five years at three and a half percent
erstelle einen trainingsplan für zwölf wochen
write an article about the history of chess for our school magazine
weigh up leasing against buying a car for someone who drives thirty thousand kilometres a year
compare three ways to heat an old stone cottage
write a letter to my insurance about the water damage in the cellar
plan a route through scotland for ten days with a camper van and dogs
help me decide between two job offers one pays more but is further away
write a program that finds all prime numbers below a thousand
explain the theory of relativity in detail with examples and its consequences for satellites
draft an agenda for our parents' evening and a short welcome speech
what are the arguments for and against nuclear power
if a tap fills a bath in twelve minutes and another in eighteen how long do both take together
write a five page report about renewable energy in portugal
solve this puzzle a farmer must bring a wolf a goat and a cabbage across the river
make a training plan for a half marathon in october I run twice a week now
review my business idea a cafe for cyclists and tell me the risks
what would be the tax on a flat I bought for two hundred thousand and sell for three hundred thousand after four years
how did the printing press change religion politics and science in europe
"""

_MEASURED_SIMPLE = """
what's the biggest animal in the world
how do you say cheers in polish
did it snow last night
what's the name of this song
how many people live in iceland
what's on tv tonight
who was the first man on the moon
how big is the living room
pause the film
what's a quarter of a hundred
tell me the time
is my brother at home
what's the speed of light
how warm is the pool
do cats like milk
what's the plural of cactus
when does the next bus leave
what's the emergency number in sweden
is there a football match today
turn everything off downstairs
what's the pin of the guest wifi
could you say that again
how long does the dishwasher still need
where is mount fuji
what did I just say
was kostet ein brief nach frankreich
combien de jours en février
"""

_MEASURED_MEDIUM = """
how does a refrigerator keep things cold
why is the washing machine so loud
what can I do with leftover rice
explain photosynthesis in simple words
how do I change a bicycle tyre
which wine goes with lamb and why
tell me about the aztecs
translate good luck with your exam into german
what should I wear for a hike in november
make up a story about a robot who bakes
how do birds find their way
why do onions make you cry
give me a recipe for banana bread
how can I calm down before a flight
what happens when you don't sleep for two days
what's the difference between jam and marmalade
write a rhyme for a birthday card
how should I store fresh basil
summarize what photosynthesis is
what are good exercises for the back
how do magnets work and who discovered them
wie wechsle ich eine sicherung
"""

_MEASURED_COMPLEX = """
compare living in the city with living in the country
write a blog post about my trip to vietnam
plan the renovation of a bathroom with a budget of eight thousand
write a bash script that renames all my photos by date
what are the pros and cons of adopting a dog when both of us work
explain in depth how a nuclear reactor works and why chernobyl failed
draft a toast for my parents' golden wedding that runs about three minutes and mentions their first car
a shop sells pens at two euros and pads at three I bought nine things for twenty two euros how many of each
help me choose between a mortgage with a fixed rate and one with a variable rate
evaluate this argument all politicians lie so voting is pointless
develop a marketing strategy for a small bookshop
create a revision timetable for six subjects until june
analyse why the project failed and what we should change next time
how would you structure a novel with two timelines
my daughter is ten and refuses to go to school since we moved what could be behind it and how should we talk to her and the teachers
discuss whether machines can be creative
what's the best strategy to pay off three credit cards with different interest rates
entwirf einen wochenplan für eine familie
"""


def _table(simple: str, medium: str, complex_: str) -> tuple[tuple[str, Complexity], ...]:
    by_hardness = ((simple, Complexity.SIMPLE), (medium, Complexity.MEDIUM), (complex_, Complexity.COMPLEX))
    return tuple((line, hardness) for lines, hardness in by_hardness for line in lines.strip().splitlines())


TUNED = _table(_TUNED_SIMPLE, _TUNED_MEDIUM, _TUNED_COMPLEX)
MEASURED = _table(_MEASURED_SIMPLE, _MEASURED_MEDIUM, _MEASURED_COMPLEX)
