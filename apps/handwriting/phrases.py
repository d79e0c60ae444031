"""Phrases for evaluation, with capitals, digits and punctuation; none is in the training text."""

from __future__ import annotations

PHRASES = tuple(
    line
    for line in """
The kettle sings at 7 sharp.
Bring two plums for Olga, please.
Why did Xavier sell the cello?
Quiet rivers carve deep valleys.
Room 305 faces the harbor.
"Never again," said the ferryman.
Jupiter rose over the wet roofs.
Eggs, flour, butter & 3 lemons.
My aunt keeps bees in Vermont.
Zoe fixed the amber lamp!
Ferns grow where light is thin.
Call me after 9, before noon.
Walnut shelves line the attic.
Have you fed the neighbor's goat?
The violin teacher moved to Oslo.
Kind regards from the lighthouse.
Ink dries slowly in damp weather.
Ursula lost her yellow umbrella.
He paid 48 coins for the map.
Gravel crunched under both tires.
Every Thursday we bake rye bread.
Mind the step; it is loose.
Dust settled on the old globe.
A fox crossed the frozen pond.
Where is platform 12, sir?
Nobody expected snow in April.
Light the stove, then the candles.
Peter waxed his wooden skis.
The orchard needs pruning soon.
Yes, the jury was unanimous!
Copper pipes hummed all night.
Lucy whistled a slow waltz.
Thirty swans, one angry gander.
Box 66 is full of marbles.
Do not lean on the harp.
Sand filled the broken hourglass.
Rain again: we stayed in Bergen.
Henry drew maps of quiet islands.
The cook burned 5 pancakes.
Velvet curtains hid the stage.
Is the bakery open on Monday?
Old clocks lie about the hour.
Iris planted mint by the gate.
Our canoe drifted past the mill.
Nine owls watched from the barn.
Write soon, and tell me all.
Jam jars cooled on the sill.
The tram to Ghent left at 8.
Wool socks, a scarf, good boots.
Dorothy tuned the upright piano.
Salt wind bent the young pines.
Can a heron sleep on one leg?
Quentin folded 20 paper cranes.
Moss covered the northern wall.
Listen: the geese are returning.
Amber glows when held to light.
Toby hid the key under brick 14.
Every bridge hums in strong wind.
Grandma's quilt won first prize.
The printer jammed, as usual.
Fresh figs arrive from Izmir.
Mark the trees with white chalk.
Kites rose over the long beach.
He answered "perhaps" and left.
Umber, ochre, and a bit of green.
Velma counted 73 fireflies.
Stars faded; the bakers woke.
Please water the basil twice.
Ben's raft sank near the weir.
The glacier gave back a ladder.
Juggling plums is harder than it looks.
Nora read by a single bulb.
What rhymes with orange, Felix?
The well is 90 feet deep.
Hot soup waits on the back stove.
Carve the pumpkin by Friday.
Elk tracks led to the old mine.
She painted the shutters teal.
Warm bricks keep the bed cozy.
Axel won by a length and a half.
Six lanterns, four of them lit.
The puzzle lacks one sky piece.
Thank Ruth for the pear tart.
Diving bells rang below the pier.
Fog hid the half-empty ferry.
Yarn baskets filled the hallway.
Have 2 spoons of honey, then rest.
Otters slid down the muddy bank.
Vines climbed the stone chapel.
Is Gus allergic to walnuts?
Late trains run via Lucerne.
Kay sharpened all 16 pencils.
Paper boats raced in the gutter.
Marigolds keep the beetles off.
Zinc roofs rattle in the hail.
Good night, and mind the cat!
""".strip().splitlines()
)
"""96 phrases."""
