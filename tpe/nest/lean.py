"""Rewrites that take from the cells what their row can do once: the lean forms of a nest.

Each keeps the value A @ B, and raises `TpeError` where it lacks its licence. In a docstring
`neg(d)` is 1 for a negative digit, else 0, and the row term stands behind a `|`: it is summed
beside the columns, and added to what each of them leaves. It may be, since what it is made of needs
M, K and BW alone, and every step between `map` and the sum over K is linear.
"""

from __future__ import annotations

from dataclasses import replace

from tpe.nest.forms import Form
from tpe.nest.notation import Nest


def complement(nest: Nest) -> Nest:
    """map(d, b)  ->  map(d, b) - neg(d) | sum_k sum_bw neg(d) * radix**bw

    Without the 1, a negative multiple is the complement of the positive one, and needs no adder.
    Raises for a nest that skips zeros: how many steps its row takes is not counted yet.

    >>> from tpe.nest.notation import mac, tile
    >>> [form.value for form in complement(mac(*tile(4, 4, 4))).forms]
    ['complement']
    """
    return _with(nest, Form.COMPLEMENT)


def bias(nest: Nest) -> Nest:
    """map(d, b)  ->  map(d, b) + c | - sum_k sum_bw c * radix**bw, c = 2**(bits of b + 1)

    No partial product is negative then, so that none is sign-extended, and those of a step sum to
    a number of known width. Raises as `complement`.
    """
    return _with(nest, Form.BIAS)


def apart(nest: Nest) -> Nest:
    """half{bw,k}  ->  half{k}(half{bw}): a step's words meet before the running pair does.

    The pair is then added to by two rows, whatever the number of words, and a register may stand
    between. Raises if no compressor keeps a running pair.
    """
    return _with(nest, Form.APART)


def merged(nest: Nest) -> Nest:
    """acc{k}(add(half{bw}))  ->  acc{k in time}(add(half{bw, lanes of k})): one adder for all.

    Licence: `add` is linear modulo the width of its word, so that it may follow the sum over the
    lanes. Raises where no `add` stands between the sum over BW and that over K.
    """
    return _with(nest, Form.MERGED)


def incremented_top(nest: Nest) -> Nest:
    """half(words, s, c)  ->  half(words, low bits of s, c), top bits of s + carry

    Licence: the words of a step are not negative, so that above their sum there is nothing but a
    carry, and `apart`, so that it is one. Raises without `bias`, or as `apart`.
    """
    return _with(nest, Form.APART, Form.INCREMENTED_TOP)


def _with(nest: Nest, *forms: Form) -> Nest:
    return replace(nest, forms=nest.forms | set(forms))
