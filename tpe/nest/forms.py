"""Forms of a nest: what is left of a primitive's textbook function, and what makes up for it."""

from __future__ import annotations

from enum import Enum


class Form(Enum):
    """How hardware departs from the primitives as they are defined; the value of C is the same.

    complement -- a negative multiple is the complement of the positive one: it lacks 1
    bias -- every partial product has a constant more, so that none is negative
    apart -- the words of a step are compressed before the running pair is added
    merged -- the words of all lanes are compressed together, and added once
    incremented_top -- above the words of a step the running pair is a word, and is incremented

    What the first two lack, or have too much, is the same for all columns: a term of the row.
    """

    COMPLEMENT = "complement"
    BIAS = "bias"
    APART = "apart"
    MERGED = "merged"
    INCREMENTED_TOP = "incremented_top"


Forms = frozenset[Form]
NO_FORMS = Forms()
ROW_FORMS = Forms({Form.COMPLEMENT, Form.BIAS})  # what leaves a term to the row
