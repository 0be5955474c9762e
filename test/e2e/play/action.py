# SPDX-License-Identifier: Apache-2.0
"""What every action is: something that can be drawn, written down, and done again."""


class Action:
    """One row of the table. `args` is plain JSON: enough to do the same again on the same host."""
    name = ""
    weight = 0  # how often it is drawn, next to the others
    needs_vms = False
    needs_pair = False  # two hosts
    redefines = False  # a VM may have another definition afterwards, without devices
    alone = False  # not to be combined with others at the same time

    def draw(self, rng, side):
        """Arguments that make sense now; None when the action does not."""
        raise NotImplementedError

    def legit(self, side, args):
        """The outcomes that may come of it, judged by the model as it is before."""
        return {"done"}

    def send(self, side, args):
        """Does it, and returns the answer. Changes nothing in the model."""
        raise NotImplementedError

    def settle(self, side, args, answer):
        """The model after that answer."""

    def touches(self, side, args):
        """Names of (claims, VMs) that may be another afterwards, if the answer got lost."""
        return set(), set()
