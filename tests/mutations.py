"""Files as accidents and strangers change them."""

from __future__ import annotations

__all__ = ["mutated"]


def mutated(content, rng, other=None):
    """A bit flipped, bytes written over, cut out, put in, doubled, another length of the header.

    other: another file of the kind, by whose end that of this one is replaced too, or a letter of what it says changed.
    """
    kind, place = rng.integers(6 if other is None else 8), int(rng.integers(len(content)))
    changed = bytearray(content)
    if kind == 0:
        changed[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        part = rng.bytes(int(rng.integers(1, 30)))
        changed[place : place + len(part)] = part
    elif kind == 2:
        del changed[place : place + int(rng.integers(1, 200))]
    elif kind == 3:
        changed[place:place] = rng.bytes(int(rng.integers(1, 60)))
    elif kind == 4:
        changed = changed + changed[place:]
    elif kind == 5:
        changed[:8] = int(rng.integers(0, 2**62)).to_bytes(8, "little") if place % 2 else rng.bytes(8)
    elif kind == 6:
        changed[place:] = other[place:]
    else:
        changed[place % 400] = int(rng.choice(list(b'0123456789"{}[],:.-eEx ')))
    return bytes(changed)
