"""The spots of the demo's patients, as `drawing` draws them. What the model says of them is its own
answer; `tests/app/demo` says which bands there are.
"""

from dataclasses import replace

from skinapi.app.demo.drawing import BROWN, Spot

GREY, BLACK, BLUE = (110, 104, 116), (40, 28, 26), (122, 112, 124)

MOLE = Spot(seed=1, radius=0.16, soft=0.4, uneven=0.12, net=0.4)
SMALL_MOLE = Spot(seed=2, radius=0.13, core=(140, 88, 60), rim=(176, 122, 90), soft=0.6, uneven=0.1)
ROUND_MOLE = Spot(
    seed=37, radius=0.15, core=(118, 72, 50), rim=(160, 108, 80), soft=0.45, uneven=0.12, net=0.3
)
MOLE_ON_BROWN_SKIN = Spot(
    seed=13,
    skin=BROWN,
    radius=0.15,
    core=(70, 44, 34),
    rim=(96, 62, 46),
    soft=0.4,
    uneven=0.12,
    net=0.4,
)
LONG_MOLE = replace(MOLE, seed=41, long=1.5, radius=0.15)
GROWN_MOLE = Spot(
    seed=50,
    radius=0.24,
    core=(84, 50, 38),
    rim=(150, 100, 74),
    ragged=0.36,
    uneven=0.5,
    net=0.7,
    blots=(((60, 36, 30), 0.6),),
)
GROWING_MOLE = replace(
    GROWN_MOLE,
    radius=0.15,
    core=(108, 66, 46),
    rim=(160, 108, 80),
    ragged=0.15,
    soft=0.35,
    uneven=0.15,
    net=0.3,
    blots=(),
)
MELANOMA = replace(GROWN_MOLE, seed=21, ragged=0.3, blots=((BLACK, 0.6), (GREY, 0.35)))
MELANOMA_BEFORE = replace(GROWING_MOLE, seed=21)
PEARL = Spot(
    seed=6,
    radius=0.2,
    core=(218, 150, 138),
    rim=(222, 164, 146),
    soft=0.4,
    uneven=0.3,
    vessels=12,
    blots=((BLUE, 0.5),),
)
SCALY = Spot(
    seed=39,
    radius=0.24,
    core=(216, 150, 132),
    rim=(222, 166, 146),
    ragged=0.3,
    soft=0.9,
    uneven=0.3,
    scale=0.5,
)
CRUSTED = Spot(
    seed=9,
    radius=0.28,
    core=(214, 140, 124),
    rim=(222, 160, 140),
    ragged=0.5,
    soft=0.8,
    uneven=0.4,
    scale=0.8,
    vessels=6,
)
WART = Spot(
    seed=8,
    radius=0.27,
    core=(126, 88, 58),
    rim=(150, 108, 72),
    ragged=0.4,
    soft=0.05,
    uneven=0.5,
    scale=0.5,
    dots=25,
)
CHERRY = Spot(
    seed=10,
    radius=0.13,
    core=(150, 30, 44),
    rim=(180, 60, 64),
    soft=0.15,
    uneven=0.4,
    blots=(((110, 16, 36), 0.6),),
)
FIBROMA = Spot(
    seed=11, radius=0.17, core=(222, 188, 168), rim=(172, 124, 98), soft=0.7, uneven=0.2, net=0.5
)
