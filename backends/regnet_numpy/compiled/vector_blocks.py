"""Blocks of products in a processor's registers: four features by some vectors of rows, or by four other features.

A loop of numba's goes through memory for each few features that it adds, and looks first whether arrays overlap; here
sums stay in registers until they are whole. Values lie by columns, (features, n), where n fills whole cache lines.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from regnet_numpy.buffers import LINE

__all__ = [
    "BLOCK",
    "gradient_of_four",
    "gradient_of_two",
    "lanes",
    "line_product",
    "line_rows",
    "many_product",
    "many_rows",
    "turn_block",
]

BLOCK = 4
"""Features of a block."""

INDEX, LANE = ir.IntType(64), ir.IntType(32)


class _Unit(NamedTuple):
    """A processor's vector unit: the bytes of a vector, and how many it has."""

    bytes: int
    registers: int


def _unit(context: Any) -> _Unit:
    """Of the processor that numba compiles for."""
    triple, _, features = context.codegen().magic_tuple()
    if "+avx512f" in features:
        return _Unit(64, 32)
    if "+avx," in features:
        return _Unit(32, 16)
    return _Unit(16, 32 if triple.startswith(("aarch64", "arm64")) else 16)


class _Code:
    """What a block is written with: a vector's type, and instructions on such vectors."""

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.builder, self.number, self.unit = builder, context.get_value_type(dtype), _unit(context)
        self.size = dtype.bitwidth // 8
        self.lanes = self.unit.bytes // self.size
        self.vector = ir.VectorType(self.number, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)

    def at(self, data: Any, *offsets: Any) -> Any:
        """The address so many numbers on."""
        for offset in offsets:
            data = self.builder.gep(data, [offset])
        return data

    def load(self, data: Any, vector: int = 0) -> Any:
        """A vector of the numbers there, or the one after so many others."""
        place = self.builder.bitcast(self.at(data, INDEX(vector * self.lanes)), self.vector.as_pointer())
        return self.builder.load(place, align=self.size)

    def store(self, value: Any, data: Any, vector: int) -> None:
        place = self.builder.bitcast(self.at(data, INDEX(vector * self.lanes)), self.vector.as_pointer())
        self.builder.store(value, place, align=self.size)

    def shuffle(self, one: Any, other: Any, lanes: list[int]) -> Any:
        return self.builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(LANE, len(lanes)), lanes))

    def spread(self, data: Any) -> Any:
        """The number there, in every lane."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, self.builder.load(data), LANE(0))
        return self.shuffle(first, nothing, [0] * self.lanes)

    def multiply_add(self, one: Any, other: Any, to: Any) -> Any:
        """Rounded once where the processor can."""
        product = self.builder.fmul(one, other, flags=("contract",))
        return self.builder.fadd(to, product, flags=("contract",))

    def sums(self, vectors: list[Any]) -> list[Any]:
        """Of the lanes of each, one after another in vectors: neighbours are added until a lane has all of a vector."""
        even, odd = ([2 * lane + part for lane in range(self.lanes)] for part in (0, 1))
        found: list[Any] = []
        for start in range(0, len(vectors), self.lanes):
            some = vectors[start : start + self.lanes]
            for _ in range(self.lanes.bit_length() - 1):
                pairs = list(zip(some[::2], some[1::2], strict=True)) if len(some) > 1 else [(some[0], some[0])]
                some = [self.builder.fadd(self.shuffle(*pair, even), self.shuffle(*pair, odd)) for pair in pairs]
            found += some
        return found

    def transpose(self, rows: list[Any]) -> list[Any]:
        """As many vectors as each has lanes: halves that cross are exchanged, at ever smaller distances."""
        distance = self.lanes // 2
        while distance:
            low = [lane if not lane & distance else lane - distance + self.lanes for lane in range(self.lanes)]
            high = [lane + distance if not lane & distance else lane + self.lanes for lane in range(self.lanes)]
            for one in range(self.lanes):
                if not one & distance:
                    pair = rows[one], rows[one + distance]
                    rows[one], rows[one + distance] = self.shuffle(*pair, low), self.shuffle(*pair, high)
            distance //= 2
        return rows

    def rows_of(self, start: Any, last: Any, count: int) -> list[Any]:
        """Numbers of so many features from start on; beyond the last one, the last."""
        rows = [self.builder.add(start, INDEX(number)) for number in range(count)]
        return [self.builder.select(self.builder.icmp_signed("<", row, last), row, last) for row in rows]

    def repeat(self, times: Any, values: list[Any], body: Any) -> list[Any]:
        """What `body(number, values)` makes of values, so many times, once at least."""
        builder, before = self.builder, self.builder.block
        inside, after = builder.append_basic_block("block"), builder.append_basic_block("sums")
        builder.branch(inside)
        builder.position_at_end(inside)
        number, *kept = (builder.phi(one.type) for one in [times, *values])
        for phi, first in zip((number, *kept), (INDEX(0), *values), strict=True):
            phi.add_incoming(first, before)
        made = body(number, kept)
        following = builder.add(number, INDEX(1))
        for phi, one in zip((number, *kept), (following, *made), strict=True):
            phi.add_incoming(one, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, times), inside, after)
        builder.position_at_end(after)
        return list(made)


def _vectors(code: _Code, many: bool) -> int:
    """In a cache line; or, of many, as have room in half of the registers for every feature of a block."""
    line = LINE // code.unit.bytes
    return max(line, code.unit.registers // 2 // BLOCK // line * line) if many else line


def _rows_of(many: bool) -> Any:
    """How many rows of x a block of `_product_of` takes."""

    @intrinsic
    def rows(typingctx: Any, x: Any) -> Any:
        def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            code = _Code(context, builder, x.dtype)
            return context.get_constant(types.intp, _vectors(code, many) * code.lanes)

        return types.intp(x), say

    return rows


def _product_of(many: bool) -> Any:
    """z[j, i] = sum_k weight[k, j] x[k, i], or of weight[j, k], for four outputs from j on and rows from i on."""

    @intrinsic
    def product(
        typingctx: Any, weight: Any, output_step: Any, input_step: Any, x: Any, z: Any, j: Any, last: Any, i: Any
    ) -> Any:  # fmt: skip
        """Steps: numbers in weight from one output, or input, to the next; last: output, which none goes beyond."""

        def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            code = _Code(context, builder, x.dtype)
            factors, values, out = (
                context.make_array(signature.args[place])(context, builder, args[place]) for place in (0, 3, 4)
            )
            inputs, n = (builder.extract_value(values.shape, axis) for axis in (0, 1))
            outputs, count = code.rows_of(args[5], args[6], BLOCK), _vectors(code, many)
            weights = [code.at(factors.data, builder.mul(output, args[1])) for output in outputs]

            def add(k: Any, sums: list[Any]) -> list[Any]:
                own = code.at(values.data, builder.mul(k, n), args[7])
                loaded, new = [code.load(own, vector) for vector in range(count)], []
                for number, weight in enumerate(weights):
                    factor = code.spread(code.at(weight, builder.mul(k, args[2])))
                    before = sums[number * count : (number + 1) * count]
                    new += [code.multiply_add(factor, one, to) for one, to in zip(loaded, before, strict=True)]
                return new

            sums = code.repeat(inputs, [code.zero] * (BLOCK * count), add)
            for number, output in enumerate(outputs):
                place = code.at(out.data, builder.mul(output, n), args[7])
                for vector in range(count):
                    code.store(sums[number * count + vector], place, vector)
            return context.get_dummy_value()

        intp = types.intp
        return types.none(weight, intp, intp, x, z, intp, intp, intp), say

    return product


def _gradient_of(features: int) -> Any:
    """grad[k, j] = sum_i x[k, i] dz[j, i], for so many inputs from k on and four outputs from j on.

    Beyond the ends a block repeats the last row or column, and the same numbers.
    """

    @intrinsic
    def gradient(typingctx: Any, x: Any, dz: Any, grad: Any, k: Any, j: Any) -> Any:
        def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            code = _Code(context, builder, x.dtype)
            values, slopes, out = (
                context.make_array(signature.args[place])(context, builder, args[place]) for place in range(3)
            )
            n, width = (builder.extract_value(array.shape, 1) for array in (values, out))
            inputs, outputs = (
                code.rows_of(start, builder.sub(builder.extract_value(out.shape, axis), INDEX(1)), count)
                for axis, start, count in ((0, args[3], features), (1, args[4], BLOCK))
            )
            from_x = [code.at(values.data, builder.mul(row, n)) for row in inputs]
            from_dz = [code.at(slopes.data, builder.mul(row, n)) for row in outputs]

            def add(number: Any, sums: list[Any]) -> list[Any]:
                place = builder.mul(number, INDEX(code.lanes))
                right, new = [code.load(code.at(data, place)) for data in from_dz], []
                for row, data in enumerate(from_x):
                    left, before = code.load(code.at(data, place)), sums[row * BLOCK : (row + 1) * BLOCK]
                    new += [code.multiply_add(left, factor, to) for factor, to in zip(right, before, strict=True)]
                return new

            vectors = code.repeat(builder.udiv(n, INDEX(code.lanes)), [code.zero] * (features * BLOCK), add)
            sums = code.sums(vectors)
            rows = [code.at(out.data, builder.mul(row, width)) for row in inputs]

            def store_rows() -> None:
                for row, data in enumerate(rows):
                    vector, lane = divmod(row * BLOCK, code.lanes)
                    four = code.shuffle(sums[vector], sums[vector], list(range(lane, lane + BLOCK)))
                    place = builder.bitcast(code.at(data, args[4]), four.type.as_pointer())
                    builder.store(four, place, align=code.size)

            def store_numbers() -> None:
                for number in range(features * BLOCK):
                    row, column = divmod(number, BLOCK)
                    vector, lane = divmod(number, code.lanes)
                    builder.store(
                        builder.extract_element(sums[vector], LANE(lane)), code.at(rows[row], outputs[column])
                    )

            if code.lanes < BLOCK:
                store_numbers()
            else:
                whole = builder.icmp_signed("<=", builder.add(args[4], INDEX(BLOCK)), width)
                with builder.if_else(whole) as (then, otherwise):
                    with then:
                        store_rows()
                    with otherwise:
                        store_numbers()
            return context.get_dummy_value()

        return types.none(x, dz, grad, types.intp, types.intp), say

    return gradient


@intrinsic
def lanes(typingctx: Any, x: Any) -> Any:
    """Numbers in a vector."""

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_constant(types.intp, _Code(context, builder, x.dtype).lanes)

    return types.intp(x), say


@intrinsic
def turn_block(typingctx: Any, table: Any, columns: Any, i: Any, j: Any) -> Any:
    """columns[j, i] = table[i, j], for as many rows from i on and columns from j on as a vector has lanes."""

    def say(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = _Code(context, builder, table.dtype)
        source, target = (
            context.make_array(signature.args[place])(context, builder, args[place]) for place in range(2)
        )
        across, down = (builder.extract_value(array.shape, 1) for array in (source, target))

        def places(data: Any, row: Any, step: Any, column: Any) -> list[Any]:
            rows = [builder.add(row, INDEX(number)) for number in range(code.lanes)]
            return [code.at(data, builder.mul(one, step), column) for one in rows]

        rows = [code.load(place) for place in places(source.data, args[2], across, args[3])]
        for one, place in zip(code.transpose(rows), places(target.data, args[3], down, args[2]), strict=True):
            code.store(one, place, 0)
        return context.get_dummy_value()

    return types.none(table, columns, types.intp, types.intp), say


many_rows, line_rows = _rows_of(True), _rows_of(False)
many_product, line_product = _product_of(True), _product_of(False)
gradient_of_two, gradient_of_four = _gradient_of(2), _gradient_of(4)
