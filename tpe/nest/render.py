"""How a nest looks: the paper's pseudo-code, which stands at the head of every emitted file."""

from __future__ import annotations

from tpe.nest.notation import CHAIN, SPACE, SPARSE, Nest, letters


def render(nest: Nest) -> str:
    """Pseudo-code in the manner of the paper: loops with their places, each step at its depth.

    A step stands inside the loops it runs in: those in time not yet summed away, and those in
    space it has copies for. `turns` marks a space loop whose steps share one copy. Forms
    stand first.

    >>> from tpe.nest.notation import mac, tile
    >>> from tpe.nest.rewrites import opt1
    >>> print(render(opt1(mac(*tile(8, 8, 4)))))
    for n in time(1):
      for m in time(1):
        for k in time(1):
          for m in space(8):
            for n in space(8):
              encode
              for bw in space(4):
                map
                shift
              half_reduce over k, bw
        for m in space(8):
          for n in space(8):
            add
    """
    lines = [f"{form.value}:" for form in sorted(nest.forms, key=lambda form: form.value)]
    opened: list[str] = []
    for i, step in enumerate(nest.steps):
        heads = _heads(nest, i)
        same = [head == other for head, other in zip(heads, opened, strict=False)]
        common = [*same, False].index(False)
        lines += ["  " * depth + heads[depth] for depth in range(common, len(heads))]
        summed = letters(step.sums).lower().replace(",", ", ")
        lines.append("  " * len(heads) + step.op.name + (f" over {summed}" if summed else ""))
        opened = heads
    return "\n".join(lines)


def _heads(nest: Nest, index: int) -> list[str]:
    """The loop lines around a step, outermost first."""
    step, left = nest.steps[index], nest.remaining(index)
    heads: list[str] = []
    for loop in nest.loops:
        place = loop.place.value
        around = step.over if loop.place is SPACE else left
        if loop.place is CHAIN:  # its sum is taken in every copy
            around = step.over | step.sums
        if loop.place is SPARSE and step.in_front:
            place, around = SPACE.value, step.over
        if loop.place is SPACE and loop.dim in step.shared:
            place = "turns"
        if loop.dim in around:
            heads.append(f"for {loop.dim.name.lower()} in {place}({loop.trips}):")
    return heads
