"""The optimizer of a phase, and its learning rate: a warm-up, then half a cosine."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import keras
from keras.optimizers.schedules import CosineDecay

from skinapi.learning.train.phases import Optimizer, Phase

OPTIMIZERS: Mapping[Optimizer, Callable[..., keras.optimizers.Optimizer]] = {
    "AdamW": keras.optimizers.AdamW,
    "Adam": keras.optimizers.Adam,
    "SGD": partial(keras.optimizers.SGD, momentum=0.9),
    "RMSprop": keras.optimizers.RMSprop,
}


def make_optimizer(
    phase: Phase, variables: Sequence[keras.Variable], *, steps: int
) -> keras.optimizers.Optimizer:
    """The optimizer of these variables, with the moving average of them; `steps` in each epoch."""
    optimizer = OPTIMIZERS[phase.optimizer](
        learning_rate(phase, steps=steps),
        weight_decay=phase.weight_decay,
        use_ema=True,
        ema_momentum=_momentum(phase, steps),
        global_clipnorm=phase.clip_norm,
    )
    # As usual: decaying biases and normalisations does not regularise.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # Built now, not at the first step: a checkpoint can only be loaded into existing variables.
    optimizer.build(variables)
    return optimizer


def learning_rate(phase: Phase, *, steps: int) -> CosineDecay:
    """Rises linearly to the phase's rate, then falls as half a cosine to the share `lowest_rate` of
    it; `steps` in each epoch.
    """
    peak, rising = phase.learning_rate, max(1, round(phase.warmup_epochs * steps))
    falling = max(1, phase.epochs * steps - rising + 1)
    if rising == 1:  # without a warm-up Keras wants no target for one
        return CosineDecay(peak, falling, alpha=phase.lowest_rate)
    return CosineDecay(
        peak / rising,
        falling,
        alpha=phase.lowest_rate,
        warmup_target=peak,
        warmup_steps=rising - 1,
    )


def _momentum(phase: Phase, steps: int) -> float:
    """Lower than `phase.ema` where the phase is short: else the starting weights would dominate."""
    return min(phase.ema, 1.0 - 1.0 / (1.0 + phase.ema_reach * phase.epochs * steps))
