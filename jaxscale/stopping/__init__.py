"""When to stop calling: rules for a sampling loop of one's own, pure functions of the counts so far, and their replay.

None of them knows how answers are produced: they take counts and return arrays, for all queries at once. A padding of
zero counts changes nothing.
"""

from jaxscale.stopping._final import leader_stays
from jaxscale.stopping._gain import expected_coverage_gain, expected_vote_gain, worth_calling
from jaxscale.stopping._leader import ahead_table, first_success, leader_confidence
from jaxscale.stopping._replay import Replay, replay

__all__ = [
    "Replay",
    "ahead_table",
    "expected_coverage_gain",
    "expected_vote_gain",
    "first_success",
    "leader_confidence",
    "leader_stays",
    "replay",
    "worth_calling",
]
