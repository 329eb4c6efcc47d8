// A training step of a dense network, or of a stack of them, in half a dozen launches and the large products between.
//
// REAL is float or double, SMALLEST its smallest normal number, LARGEST its largest, LEAST_SUM a sum of squares from
// which on those that were too small to be kept do not matter. INPUTS, OUTPUTS and COLUMNS, the units of the last
// hidden layer that a thread has, are the network's where they are few enough for registers, else 1; HIDDEN is that
// layer's activation, and DROPS whether dropout follows it. Matrices lie row by row. blockIdx.z is the network; a
// "stride" is the distance between the arrays of two networks, 0 where they share one. ticks[network] counts steps.
// Sums are made in a fixed order and nothing is atomic, so a step has the same bits every time.

typedef REAL real;

#define THREADS 256
#define WARPS 8
#define KERNEL extern "C" __global__ void __launch_bounds__(THREADS)

enum Activation { IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID };
enum Loss { CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SQUARED_ERROR, ABSOLUTE_ERROR, HUBER, POISSON };
enum Rule { SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, ADAMW };
enum Pace { RATE, SCALE, EPSILON, FACTOR, PACES };

__device__ real activate(int activation, real slope, real z) {
    switch (activation) {
        case RELU: return z < 0 ? real(0) : z;  // a NaN stays one
        case LEAKY_RELU: return z < 0 ? slope * z : z;
        case TANH: return tanh(z);
        case SIGMOID: return real(0.5) + real(0.5) * tanh(real(0.5) * z);
        default: return z;
    }
}

// The derivative, told from the output y.
__device__ real derivative(int activation, real slope, real y) {
    switch (activation) {
        case RELU: return y > 0 ? real(1) : real(0);
        case LEAKY_RELU: return y > 0 ? real(1) : slope;
        case TANH: return 1 - y * y;
        case SIGMOID: return y * (1 - y);
        default: return real(1);
    }
}

// The sum of a block's values, in thread 0; all threads of the block must call it.
__device__ real block_sum(real value, real* shared) {
    int thread = threadIdx.y * blockDim.x + threadIdx.x;
    shared[thread] = value;
    for (int half = blockDim.x * blockDim.y / 2; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) shared[thread] += shared[thread + half];
    }
    __syncthreads();
    real total = shared[0];
    __syncthreads();
    return total;
}

// The norm of a row of weights from its sum of squares, the same in all threads of a block, all of which must call it.
// Squares of small numbers are 0 long before the numbers are: such rows are divided by their largest entry first.
__device__ real block_norm(const real* row, int columns, real squares, real* shared) {
    if (!(squares < LEAST_SUM || squares > LARGEST)) return sqrt(squares);
    int thread = threadIdx.y * blockDim.x + threadIdx.x, threads = blockDim.x * blockDim.y;
    real largest = 0, total = 0;
    for (int column = thread; column < columns; column += threads) largest = fmax(largest, fabs(row[column]));
    shared[thread] = largest;
    for (int half = threads / 2; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) shared[thread] = fmax(shared[thread], shared[thread + half]);
    }
    __syncthreads();
    largest = shared[0];
    __syncthreads();
    if (!(largest > 0)) return largest;
    for (int column = thread; column < columns; column += threads) {
        real scaled = row[column] / largest;
        total += scaled * scaled;
    }
    return largest * sqrt(block_sum(total, shared));
}

// The sum, or the largest, of the values of LANES neighbours, in all of them; all threads of a warp must call it.
template <int LANES = 32>
__device__ real warp_sum(real value) {
    for (int offset = LANES / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
    return value;
}

template <int LANES>
__device__ real warp_max(real value) {
    for (int offset = LANES / 2; offset > 0; offset /= 2)
        value = fmax(value, __shfl_xor_sync(0xffffffffu, value, offset));
    return value;
}

__device__ int step_of(const int* ticks, int steps) { return ticks[blockIdx.z] % steps; }

// The rows of a batch, side by side: out (networks, rows, columns); numbers (steps, batch) of rows of x.
KERNEL gather_rows(const real* x, long long x_stride, const int* numbers, long long numbers_stride,
                                       const int* ticks, int steps, int batch, int first, int rows, int columns,
                                       real* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = rows * columns;
    if (i >= count) return;
    const int* own = numbers + blockIdx.z * numbers_stride + (long long)step_of(ticks, steps) * batch + first;
    long long row = own[i / columns];
    out[(long long)blockIdx.z * count + i] = x[blockIdx.z * x_stride + row * columns + i % columns];
}

// Dropout as regnet.counter draws it: bits that depend on seed, step, layer, row of the batch and unit only.
// seed: one a network, null for none; kept: what an entry that stays is multiplied by.
#define DROPOUT const int *seed, long long seed_stride, const int *ticks, int layer, int first, int threshold, real kept

__device__ unsigned mix(unsigned bits) {
    bits = (bits ^ bits >> 16) * 0x7FEB352Du;
    bits = (bits ^ bits >> 15) * 0x846CA68Bu;
    return bits ^ bits >> 16;
}

#define SEED mix(mix(seed[blockIdx.z * seed_stride] ^ ticks[blockIdx.z]) + layer)
#define ROW_BITS(row) (seed ? mix(SEED ^ (first + (row)) * 0x9E3779B9u) : 0u)

// What an entry is multiplied by.
__device__ real dropout(const int* seed, unsigned row_bits, int unit, int threshold, real kept) {
    if (!seed) return 1;
    return (int)mix(row_bits ^ mix((unit + 1) * 0x9E3779B9u)) >= threshold ? kept : real(0);
}

// z <- f(z + bias), dropped out; z (networks, rows, columns).
KERNEL bias_activation(real* z, const real* bias, long long stride, int rows, int columns, int activation, real slope,
                       DROPOUT) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = rows * columns;
    if (i >= count) return;
    int row = i / columns, column = i % columns;
    real* own = z + (long long)blockIdx.z * count + i;
    real y = activate(activation, slope, *own + bias[blockIdx.z * stride + column]);
    *own = y * dropout(seed, ROW_BITS(row), column, threshold, kept);
}

// out <- f(x weight + bias) for INPUTS inputs, so few that a launch costs more than the product.
KERNEL few_inputs(const real* x, long long x_stride, const real* weight, const real* bias, long long stride, int rows,
                  int columns, int activation, real slope, DROPOUT, real* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = rows * columns;
    if (i >= count) return;
    int row = i / columns, column = i % columns;
    const real* own = x + blockIdx.z * x_stride + (long long)row * INPUTS;
    real z = 0;
#pragma unroll
    for (int input = 0; input < INPUTS; input++)
        z += own[input] * weight[blockIdx.z * stride + (long long)input * columns + column];
    real y = activate(activation, slope, z + bias[blockIdx.z * stride + column]);
    out[(long long)blockIdx.z * count + i] = y * dropout(seed, ROW_BITS(row), column, threshold, kept);
}

// One output's loss, and its derivative in *slope; not for the cross-entropy, whose outputs belong together.
__device__ real output_loss(int loss, real delta, real out, real y, real* slope) {
    real residual = out - y;
    *slope = residual;
    if (loss == BINARY_CROSS_ENTROPY) {
        real small = exp(-fabs(out));
        *slope = (out >= 0 ? real(1) : small) / (1 + small) - y;
        return (out > 0 ? out : real(0)) - y * out + log1p(small);  // in this order: the difference is 0 for a sure row
    }
    if (loss == ABSOLUTE_ERROR) {
        *slope = residual > 0 ? real(1) : residual < 0 ? real(-1) : residual;
        return fabs(residual);
    }
    if (loss == HUBER) {
        *slope = residual > delta ? delta : residual < -delta ? -delta : residual;
        return *slope * (residual - real(0.5) * *slope);
    }
    if (loss == POISSON) {  // 0 log 0 = 0
        *slope = exp(out) - y;
        return *slope + y * (log(y > 0 ? y : real(1)) - out);
    }
    return real(0.5) * residual * residual;
}

// One row's loss by LANES neighbours of a warp, each of whom has every LANES-th output; turns z into the gradient times
// share. All threads of the warp must call it, with outputs 0 where there is no row.
template <int LANES>
__device__ real row_loss(int loss, real delta, real* z, const real* target, int outputs, real share) {
    int lane = threadIdx.x % LANES;
    real value = 0, total = 0;
    if (loss == CROSS_ENTROPY) {
        real largest = -LARGEST, equals = 0;
        for (int j = lane; j < outputs; j += LANES) largest = fmax(largest, z[j]);
        largest = warp_max<LANES>(largest);
        for (int j = lane; j < outputs; j += LANES) {
            // The largest output's own 1 would round the others' exponentials away.
            if (z[j] < largest) total += exp(z[j] - largest);
            else equals += 1;
            value -= target[j] * (z[j] - largest);
        }
        total = warp_sum<LANES>(total) + (warp_sum<LANES>(equals) - 1);
        value = warp_sum<LANES>(value);
        for (int j = lane; j < outputs; j += LANES) z[j] = (exp(z[j] - largest) / (1 + total) - target[j]) * share;
        return value + log1p(total);
    }
    for (int j = lane; j < outputs; j += LANES) {
        real slope;
        value += output_loss(loss, delta, z[j], target[j], &slope);
        z[j] = slope * share;
    }
    return warp_sum<LANES>(value);
}

// A row's number in the tables, where its target lies, and its weight; with numbers its batch's rows are meant, (steps,
// batch).
struct Row {
    long long number;
    const real* target;
    real share;
};

__device__ Row find_row(const real* y, long long y_stride, const real* weight, long long weight_stride,
                        const int* numbers, long long numbers_stride, const int* ticks, int steps, int batch, int row,
                        int outputs) {
    long long at = row, number = row;
    if (numbers) {
        at += (long long)step_of(ticks, steps) * batch;
        number = numbers[blockIdx.z * numbers_stride + at];
    }
    Row found = {number, y + blockIdx.z * y_stride + number * outputs, weight[blockIdx.z * weight_stride + at]};
    return found;
}

// What every kernel is told that goes from rows to their losses: the rows first .. first + rows of a batch, or of all.
#define LOSSES                                                                                                       \
    const real *y, long long y_stride, const real *row_weight, long long weight_stride, const int *numbers,          \
        long long numbers_stride, const int *ticks, int steps, int batch, int first, int rows, int rows_each,        \
        int outputs, int loss, real delta, int add, int blocks, real *loss_sums

#define FIND_ROW(row)                                                                                                \
    find_row(y, y_stride, row_weight, weight_stride, numbers, numbers_stride, ticks, steps, batch, first + (row),    \
             outputs)

// Adds up the warps' values, one a thread: sum (32,) of each lane over the warps, in the first warp.
__device__ real lanes_sum(real value, real (*shared)[32]) {
    int lane = threadIdx.x % 32;
    shared[threadIdx.x / 32][lane] = value;
    __syncthreads();
    real total = 0;
    if (threadIdx.x < 32)
        for (int warp = 0; warp < WARPS; warp++) total += shared[warp][lane];
    __syncthreads();
    return total;
}

// The rows' losses, added up by blocks of `rows_each`: loss_sums (networks, blocks), added to what is there if `add`;
// in slopes the gradient with respect to the outputs z (networks, rows, outputs), which may be z. bias: is added, or
// null.
KERNEL loss_gradient(LOSSES, real* slopes, const real* z, const real* bias, long long stride) {
    __shared__ real shared[WARPS][32];
    int lane = threadIdx.x % 32, stop = min(rows, (int)(blockIdx.x + 1) * rows_each);
    real value = 0;
    for (int start = blockIdx.x * rows_each; start < stop; start += WARPS) {
        int row = start + threadIdx.x / 32, count = row < stop ? outputs : 0;
        Row own = FIND_ROW(count ? row : 0);
        long long place = (blockIdx.z * (long long)rows + row) * outputs;
        for (int j = lane; j < count; j += 32)
            slopes[place + j] = z[place + j] + (bias ? bias[blockIdx.z * stride + j] : real(0));
        real loss_of_row = row_loss<32>(loss, delta, slopes + place, own.target, count, own.share);
        if (count) value += own.share * loss_of_row;
    }
    value = lanes_sum(value, shared);
    long long at = (long long)blockIdx.z * blocks + blockIdx.x;
    if (threadIdx.x == 0) loss_sums[at] = value + (add ? loss_sums[at] : real(0));
}

// Backward through an activation: dz = dy f'(y), and what is summed over rows, by chunks of `rows_each` of them.
//
// dy, y (networks, rows, columns), y after dropout; dz replaces dy where `keep`. Before OUT > 0 outputs dy need not be
// there: it is slopes next^T; slopes (networks, rows, OUT), next (columns, OUT). add: to the sums that are there.
// sums (networks, chunks, (IN + 1) columns): x^T dz for IN inputs x, and below it the sum of dz.
// next_sums (networks, chunks, OUT columns): slopes^T y, turned round so that neighbours write side by side.
#define BACKWARD                                                                                                     \
    real *dy, const real *y, int rows, int rows_each, int columns, int activation, real slope,                       \
        const int *seed, long long seed_stride, const int *ticks, int layer, int first, int threshold, real kept,    \
        int keep, const real *x, long long x_stride, const real *slopes, const real *next, long long stride,         \
        int add, int chunks, real *sums, real *next_sums

// Adds up the rows of threads of a block: the sum in the first one.
__device__ real columns_sum(real value, real* shared) {
    int thread = threadIdx.y * blockDim.x + threadIdx.x;
    shared[thread] = value;
    __syncthreads();
    if (threadIdx.y == 0)
        for (int k = 1; k < blockDim.y; k++) value += shared[k * blockDim.x + threadIdx.x];
    __syncthreads();
    return value;
}

template <int IN, int OUT>
__device__ void go_backward(BACKWARD) {
    __shared__ real shared[THREADS];
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int stop = min(rows, (int)(blockIdx.y + 1) * rows_each);
    real weights[OUT + 1], in[IN + 1], out[OUT + 1], total = 0;
#pragma unroll
    for (int j = 0; j < IN; j++) in[j] = 0;
#pragma unroll
    for (int j = 0; j < OUT; j++) {
        out[j] = 0;
        weights[j] = column < columns ? next[blockIdx.z * stride + (long long)column * OUT + j] : real(0);
    }
    if (column < columns)
        for (int row = blockIdx.y * rows_each + threadIdx.y; row < stop; row += blockDim.y) {
            long long place = blockIdx.z * (long long)rows + row, i = place * columns + column;
            real activity = y[i], d = OUT ? real(0) : dy[i];
#pragma unroll
            for (int j = 0; j < OUT; j++) {
                real after = slopes[place * OUT + j];
                d += after * weights[j];
                out[j] += activity * after;
            }
            // An entry that was dropped has no slope, and the activation of one that was not is y / kept.
            d *= derivative(activation, slope, seed ? activity / kept : activity);
            d *= dropout(seed, ROW_BITS(row), column, threshold, kept);
            if (keep) dy[i] = d;
            total += d;
#pragma unroll
            for (int j = 0; j < IN; j++) in[j] += x[blockIdx.z * x_stride + (long long)row * IN + j] * d;
        }
    long long at = (long long)blockIdx.z * chunks + blockIdx.y;
    bool writes = threadIdx.y == 0 && column < columns;
    real* place = sums + at * (IN + 1) * columns + column;
#pragma unroll
    for (int j = 0; j <= IN; j++) {
        real sum = columns_sum(j < IN ? in[j] : total, shared);
        if (writes) place[(long long)j * columns] = sum + (add ? place[(long long)j * columns] : real(0));
    }
#pragma unroll
    for (int j = 0; j < OUT; j++) {
        real sum = columns_sum(out[j], shared);
        real* own = next_sums + (at * OUT + j) * columns + column;
        if (writes) *own = sum + (add ? *own : real(0));
    }
}

#define ARGUMENTS                                                                                                    \
    dy, y, rows, rows_each, columns, activation, slope, seed, seed_stride, ticks, layer, first, threshold, kept,     \
        keep, x, x_stride, slopes, next, stride, add, chunks, sums, next_sums

KERNEL backward(BACKWARD) { go_backward<0, 0>(ARGUMENTS); }
KERNEL backward_to_few_inputs(BACKWARD) { go_backward<INPUTS, 0>(ARGUMENTS); }
KERNEL backward_from_few_outputs(BACKWARD) { go_backward<0, OUTPUTS>(ARGUMENTS); }

// Adds each of N values up over a warp, in about N exchanges rather than five times as many: lanes hand each other the
// halves of the values that they let go of. Returns the number of the value whose sum is in v[0], v[1] has the next
// one's, and so on, *valid of them.
template <int N, int OFFSET = 16>
__device__ int fold(real* v, int* valid) {
    constexpr int HALF = (N + 1) / 2;
    bool upper = threadIdx.x & OFFSET;
#pragma unroll
    for (int i = 0; i < HALF; i++) {
        real other = i + HALF < N ? v[i + HALF] : real(0);
        real kept = upper ? other : v[i], given = upper ? v[i] : other;
        v[i] = kept + __shfl_xor_sync(0xffffffffu, given, OFFSET);
    }
    *valid = upper ? max(*valid - HALF, 0) : min(*valid, HALF);
    int from = upper ? HALF : 0;
    if constexpr (OFFSET > 1) from += fold<HALF, OFFSET / 2>(v, valid);
    return from;
}

// From the last hidden layer to OUTPUTS outputs without an activation, their losses, and back, in one go. A block has
// `rows_each` rows, ROUND of them at once for every threadIdx.y; a thread has COLUMNS units with their weights, and
// adds up their gradients, in registers.
//
// z (networks, rows, columns): the hidden layer's sums before its bias, and after it the gradient with respect to them;
// with IN inputs x so few that a thread makes these sums itself, null. params: the last parameters as they lie in a
// network's: the hidden layer's weights if IN, its biases, the outputs' weights and biases. sums, next_sums: see
// go_backward; bias_sums (networks, blocks, OUTPUTS): the sums of the slopes. now: each network's step, and whether it
// has not diverged, or null.
#define ROUND 8
#define LAST_LAYERS                                                                                                  \
    LOSSES, real *z, const real *x, long long x_stride, const real *params, long long stride, int columns,           \
        real slope, const int *seed, long long seed_stride, int layer, int threshold, real kept, real *sums,         \
        real *next_sums, real *bias_sums, const int *diverged_at, int *now

template <int IN>
__device__ void there_and_back(LAST_LAYERS) {
    constexpr int LOADED = WARPS * ROUND, TOGETHER = OUTPUTS < 4 ? 8 : OUTPUTS < 8 ? 4 : OUTPUTS < 16 ? 2 : 1;
    constexpr int FOLDED = (TOGETHER * OUTPUTS + 31) / 32;
    constexpr int LANES = OUTPUTS > 8 ? 16 : OUTPUTS > 4 ? 8 : OUTPUTS > 2 ? 4 : OUTPUTS;  // of a row's outputs
    __shared__ real xs[LOADED][IN + 1], ys[LOADED][OUTPUTS], outs[LOADED][OUTPUTS], shares[LOADED];
    __shared__ real parts[WARPS][ROUND * OUTPUTS], shared[THREADS];
    int thread = threadIdx.y * blockDim.x + threadIdx.x, warps = blockDim.x / 32, tail = (IN + 1 + OUTPUTS) * columns;
    if (now && blockIdx.x == 0 && thread == 0) {
        now[2 * blockIdx.z] = ticks[blockIdx.z];
        now[2 * blockIdx.z + 1] = diverged_at[blockIdx.z] < 0;
    }
    params += blockIdx.z * stride;
    real own[COLUMNS][IN + 1], from[COLUMNS][IN + 1], to[COLUMNS][OUTPUTS], gradient[COLUMNS][OUTPUTS];
    real value = 0, slope_sum = 0;
    // Units and rows that are not there are taken for the last one, with weights and slopes of 0.
    int unit[COLUMNS];
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
        int column = c * blockDim.x + threadIdx.x;
        bool there = column < columns;
        unit[c] = min(column, columns - 1);
#pragma unroll
        for (int k = 0; k <= IN; k++) {
            own[c][k] = there ? params[k * columns + column] : real(0);
            from[c][k] = 0;
        }
#pragma unroll
        for (int j = 0; j < OUTPUTS; j++) {
            to[c][j] = there ? params[(IN + 1) * columns + column * OUTPUTS + j] : real(0);
            gradient[c][j] = 0;
        }
    }
    int stop = min(rows, (int)(blockIdx.x + 1) * rows_each), round = blockDim.y * ROUND;
    for (int load = blockIdx.x * rows_each; load < stop; load += LOADED) {
        int loaded = min(LOADED, stop - load);
        for (int i = thread; i < loaded; i += THREADS) shares[i] = FIND_ROW(load + i).share;
        for (int i = thread; i < loaded * OUTPUTS; i += THREADS)
            ys[i / OUTPUTS][i % OUTPUTS] = FIND_ROW(load + i / OUTPUTS).target[i % OUTPUTS];
        for (int i = thread; i < loaded * IN; i += THREADS) {
            long long number = FIND_ROW(load + i / (IN + !IN)).number;
            xs[i / (IN + !IN)][i % (IN + !IN)] = x[blockIdx.z * x_stride + number * IN + i % (IN + !IN)];
        }
        if (IN) __syncthreads();
        for (int start = 0; start < loaded; start += round) {
            int count = min(round, loaded - start), mine = threadIdx.y * ROUND;
            real* before = z + (blockIdx.z * (long long)rows + load + start) * columns;
            real h[COLUMNS][ROUND];
#pragma unroll
            for (int r = 0; r < ROUND; r++) {
                int row = min(mine + r, count - 1);
                unsigned row_bits = DROPS ? ROW_BITS(load + start + row) : 0u;
#pragma unroll
                for (int c = 0; c < COLUMNS; c++) {
                    real sum = own[c][IN];
                    if (!IN) sum += before[(long long)row * columns + unit[c]];
#pragma unroll
                    for (int k = 0; k < IN; k++) sum += xs[start + row][k] * own[c][k];
                    h[c][r] = activate(HIDDEN, slope, sum);
                    if (DROPS) h[c][r] *= dropout(seed, row_bits, unit[c], threshold, kept);
                }
            }
#pragma unroll
            for (int first_row = 0; first_row < ROUND; first_row += TOGETHER) {
                real out[TOGETHER * OUTPUTS];
#pragma unroll
                for (int i = 0; i < TOGETHER * OUTPUTS; i++) {
                    out[i] = 0;
#pragma unroll
                    for (int c = 0; c < COLUMNS; c++) out[i] += h[c][first_row + i / OUTPUTS] * to[c][i % OUTPUTS];
                }
                int valid = TOGETHER * OUTPUTS, number = fold<TOGETHER * OUTPUTS>(out, &valid);
#pragma unroll
                for (int i = 0; i < FOLDED; i++)
                    if (i < valid) parts[thread / 32][first_row * OUTPUTS + number + i] = out[i];
            }
            __syncthreads();
            for (int base = 0; base < round; base += THREADS / LANES) {
                int row = base + thread / LANES, j = thread % LANES;
                bool there = row < count;
                if (row < round && j < OUTPUTS) {
                    real total = params[tail + j];
                    for (int w = 0; w < warps; w++) total += parts[row / ROUND * warps + w][row % ROUND * OUTPUTS + j];
                    outs[row][j] = there ? total : real(0);
                }
                int found = there ? row : 0;
                real share = shares[start + found];
                real loss_of_row =
                    row_loss<LANES>(loss, delta, outs[found], ys[start + found], there ? OUTPUTS : 0, share);
                if (!there || j >= OUTPUTS) continue;
                if (j == 0) value += share * loss_of_row;
                slope_sum += outs[row][j];
            }
            __syncthreads();
#pragma unroll
            for (int r = 0; r < ROUND; r++) {
                int row = mine + r;
                unsigned row_bits = DROPS ? ROW_BITS(load + start + row) : 0u;
#pragma unroll
                for (int c = 0; c < COLUMNS; c++) {
                    real d = 0;
#pragma unroll
                    for (int j = 0; j < OUTPUTS; j++) {
                        d += outs[row][j] * to[c][j];
                        gradient[c][j] += h[c][r] * outs[row][j];
                    }
                    // An entry that was dropped has no slope, and the activation of one that was not is h / kept.
                    d *= derivative(HIDDEN, slope, DROPS ? h[c][r] / kept : h[c][r]);
                    if (DROPS) d *= dropout(seed, row_bits, unit[c], threshold, kept);
                    int column = c * blockDim.x + threadIdx.x;
                    if (!IN && row < count && column < columns) before[(long long)row * columns + column] = d;
                    from[c][IN] += d;
#pragma unroll
                    for (int k = 0; k < IN; k++) from[c][k] += xs[start + min(row, count - 1)][k] * d;
                }
            }
        }
        __syncthreads();
    }
    long long at = (long long)blockIdx.z * blocks + blockIdx.x;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
        int column = c * blockDim.x + threadIdx.x;
        bool writes = threadIdx.y == 0 && column < columns;
#pragma unroll
        for (int k = 0; k <= IN; k++) {
            real sum = blockDim.y > 1 ? columns_sum(from[c][k], shared) : from[c][k];
            real* place = sums + (at * (IN + 1) + k) * columns + column;
            if (writes) *place = sum + (add ? *place : real(0));
        }
#pragma unroll
        for (int j = 0; j < OUTPUTS; j++) {
            real sum = blockDim.y > 1 ? columns_sum(gradient[c][j], shared) : gradient[c][j];
            real* place = next_sums + (at * OUTPUTS + j) * columns + column;
            if (writes) *place = sum + (add ? *place : real(0));
        }
    }
    value = block_sum(value, shared);
    if (thread == 0) loss_sums[at] = value + (add ? loss_sums[at] : real(0));
    shared[thread] = slope_sum;
    __syncthreads();
    if (thread < OUTPUTS) {
        real sum = 0, *target = bias_sums + at * OUTPUTS + thread;
        for (int k = thread; k < THREADS; k += LANES) sum += shared[k];
        *target = sum + (add ? *target : real(0));
    }
}

#define LAST_ARGUMENTS                                                                                               \
    y, y_stride, row_weight, weight_stride, numbers, numbers_stride, ticks, steps, batch, first, rows, rows_each,    \
        outputs, loss, delta, add, blocks, loss_sums, z, x, x_stride, params, stride, columns, slope, seed,          \
        seed_stride, layer, threshold, kept, sums, next_sums, bias_sums, diverged_at, now

KERNEL last_layers(LAST_LAYERS) { there_and_back<0>(LAST_ARGUMENTS); }
KERNEL all_layers(LAST_LAYERS) { there_and_back<INPUTS>(LAST_ARGUMENTS); }

// How a step's penalty terms lie: by network and by entry, with a stride of 0 where all have the same.
#define TERM(name) const real *name, long long name##_stride, long long name##_step
#define AT(name, i) (name ? name[blockIdx.z * name##_stride + (i) * name##_step] : real(0))

// The share of the rows in the batch of step t, which batch_l2 is divided by; null: all of them.
__device__ real share_of(const real* share, long long stride, int t, int steps) {
    return share ? share[blockIdx.z * stride + t % steps] : real(1);
}

// Sums of the penalties that are sums over entries, before a step: sums (networks, blocks).
KERNEL penalty_sums(const real* point, int size, int each, TERM(l1), TERM(l1_subgradient), TERM(l2),
                                        TERM(batch_l2), const real* share, long long share_stride, const int* ticks,
                                        int steps, int blocks, real* sums) {
    __shared__ real shared[THREADS];
    real part = share_of(share, share_stride, ticks[blockIdx.z], steps), value = 0;
    int stop = min(size, (int)(blockIdx.x + 1) * each);
    for (int i = blockIdx.x * each + threadIdx.x; i < stop; i += THREADS) {
        real w = point[(long long)blockIdx.z * size + i];
        value += (AT(l1, i) + AT(l1_subgradient, i)) * fabs(w) + (AT(l2, i) + AT(batch_l2, i) / part) * w * w;
    }
    value = block_sum(value, shared);
    if (threadIdx.x == 0) sums[(long long)blockIdx.z * blocks + blockIdx.x] = value;
}

// The same of a weight's rows as groups, a block a row: sums (networks, blocks), from number `block` on.
KERNEL group_sums(const real* point, int size, int start, int columns, TERM(group), int block,
                                      int blocks, real* sums) {
    __shared__ real shared[THREADS];
    const real* own = point + (long long)blockIdx.z * size + start + (long long)blockIdx.x * columns;
    real squares = 0;
    for (int column = threadIdx.x; column < columns; column += THREADS) squares += own[column] * own[column];
    real norm = block_norm(own, columns, block_sum(squares, shared), shared);
    if (threadIdx.x == 0)
        sums[(long long)blockIdx.z * blocks + block + blockIdx.x] = AT(group, blockIdx.x) * norm;
}

// The optimizer's pace in step t, PACES numbers; log1, log2: the logarithms of its decay rates.
__device__ void set_pace(real* own, int t, int rule, double beta1, double log1, double log2, double epsilon,
                         int epsilon_hat, double factor) {
    double rate = 1, scale = 1, small = epsilon;
    if (rule == MOMENTUM || rule == NESTEROV) rate = scale = 1 / (1 - beta1);
    if (rule == ADAM || rule == ADAMW) {
        double first = -expm1(log1 * (t + 1.0));
        scale = sqrt(-expm1(log2 * (t + 1.0)));
        rate = scale / first;
        small = epsilon_hat ? epsilon : epsilon * scale;
    }
    own[RATE] = rate * factor;
    own[SCALE] = scale * factor;
    own[EPSILON] = small;
    own[FACTOR] = factor;
}

// What stands between gradient and update; sums: of the chunks.
#define FINISH                                                                                                       \
    const real *loss_sums, int loss_blocks, const real *penalties, int penalty_blocks, real *loss, int *diverged_at, \
        real *running, const real *share, long long share_stride, int steps, int *ticks, const real *factors,        \
        int factor_count, int rule, double beta1, double log1, double log2, double epsilon, int epsilon_hat,         \
        const real *sums, int size

// The sum of a network's values by all threads of a block.
__device__ real network_sum(const real* values, int count, real* shared) {
    real total = 0;
    int thread = threadIdx.y * blockDim.x + threadIdx.x;
    for (int i = thread; i < count; i += THREADS) total += values[(long long)blockIdx.z * count + i];
    return block_sum(total, shared);
}

// A network's loss in step t, its sum over steps, and whether it still is finite; counts the step.
__device__ void end_step(int t, real value, real penalty, real* loss, int* diverged_at, real* running, real share,
                         int* ticks) {
    int network = blockIdx.z;
    loss[network] = value;
    if (running) running[network] += (value + penalty) * share;
    if (!isfinite(value) && diverged_at[network] < 0) diverged_at[network] = t;
    ticks[network] = t + 1;
}

// Block 0 of a network adds up its loss and penalties and sets the optimizer's pace, the others add chunks: each of
// `pieces` is (first entry here, chunks, length, place in sums, place in the gradient, rows), and sums' piece is
// (networks, chunks, length), where a chunk's lies turned round as (length / rows, rows), or as it is for one row.
KERNEL finish(FINISH, const long long* pieces, int piece_count, int* alive, real* pace, real* grad) {
    __shared__ real shared[THREADS];
    int network = blockIdx.z;
    if (blockIdx.x == 0) {
        real value = network_sum(loss_sums, loss_blocks, shared);
        real penalty = network_sum(penalties, penalty_blocks, shared);
        if (threadIdx.y || threadIdx.x) return;
        int t = ticks[network];
        alive[network] = isfinite(value) && diverged_at[network] < 0;
        set_pace(pace + (long long)network * PACES, t, rule, beta1, log1, log2, epsilon, epsilon_hat,
                 factors ? factors[t % factor_count] : 1);
        end_step(t, value, penalty, loss, diverged_at, running, share_of(share, share_stride, t, steps), ticks);
        return;
    }
    long long i = (long long)(blockIdx.x - 1) * blockDim.x + threadIdx.x, place = -1;
    real total = 0;
    for (int piece = 0; piece < piece_count; piece++) {
        const long long* own = pieces + 6 * piece;
        long long entry = i - own[0], chunks = own[1], length = own[2], turned = own[5];
        if (entry < 0 || entry >= length) continue;
        const real* from = sums + own[3] + network * chunks * length + entry;
#pragma unroll 8
        for (int chunk = threadIdx.y; chunk < chunks; chunk += blockDim.y) total += from[chunk * length];
        place = own[4] + entry % turned * (length / turned) + entry / turned;
    }
    total = columns_sum(total, shared);
    if (threadIdx.y == 0 && place >= 0) grad[(long long)network * size + place] = total;
}

// The gradient of the data loss and of the penalties that act by theirs.
__device__ real whole_gradient(real grad, real w, real l2, real batch_l2, real subgradient) {
    real sign = w > 0 ? real(1) : w < 0 ? real(-1) : real(0);
    return grad + 2 * (l2 + batch_l2) * w + subgradient * sign;
}

// Decay rates and what is left of 1, which in single precision is not 1 - beta.
struct Betas {
    real first, first_rest, second, second_rest;
};

// Brings an entry's slots up to date; returns what its metric is the root of.
__device__ real advance(int rule, real g, real* first, real* second, long long i, Betas beta) {
    if (rule == MOMENTUM || rule == NESTEROV) first[i] = beta.first * first[i] + beta.first_rest * g;
    if (rule == ADAGRAD) return first[i] += g * g;
    if (rule == RMSPROP) return first[i] = beta.second * first[i] + beta.second_rest * g * g;
    if (rule != ADAM && rule != ADAMW) return 0;
    first[i] = beta.first * first[i] + beta.first_rest * g;
    return second[i] = beta.second * second[i] + beta.second_rest * g * g;
}

// An entry after the step along its direction; metric: what the step is divided by.
__device__ real move(int rule, real w, real g, real average, real metric, Betas beta, real rate, const real* pace,
                     real decay, int flush, real l1) {
    real direction = rule == SGD || rule == ADAGRAD || rule == RMSPROP ? g : average;
    if (rule == NESTEROV) direction = beta.first * average + beta.first_rest * g;
    if (rule == ADAMW) w *= 1 - decay * rate * pace[FACTOR];
    w -= rate * pace[RATE] * direction / metric;
    if (flush && fabs(w) < SMALLEST) w = 0;
    if (l1 > 0) {
        real left = fabs(w) - rate * pace[SCALE] / metric * l1;
        w = left > 0 ? (w > 0 ? left : -left) : left <= 0 ? real(0) : left;
    }
    return w;
}

#define STEP                                                                                                         \
    real *point, real *first, real *second, const real *grad, int size, int start, TERM(l1), TERM(l1_subgradient),   \
        TERM(l2), TERM(batch_l2), const real *share, long long share_stride, const int *ticks, int steps,            \
        const real *rate, long long rate_stride, const int *alive, const real *pace, int rule, real beta1,           \
        real rest1, real beta2, real rest2, real decay, int flush

// One entry's step from the gradient of its data loss: that of the penalties, optimizer, threshold.
__device__ void update_entry(real* point, real* first, real* second, long long at, real grad, real l1, real subgradient,
                             real l2, real batch_l2, real rate, const real* pace, int rule, Betas betas, real decay,
                             int flush) {
    real w = point[at], g = whole_gradient(grad, w, l2, batch_l2, subgradient);
    real squares = advance(rule, g, first, second, at, betas);
    real metric = rule >= ADAGRAD ? sqrt(squares) + pace[EPSILON] : real(1);
    real average = rule == SGD ? real(0) : first[at];
    point[at] = move(rule, w, g, average, metric, betas, rate, pace, decay, flush, l1);
}

// Entries start .. start + count of the point and its slots.
KERNEL update(STEP, int count) {
    int entry = blockIdx.x * blockDim.x + threadIdx.x, i = start + entry;
    if (entry >= count || !alive[blockIdx.z]) return;
    Betas betas = {beta1, rest1, beta2, rest2};
    long long at = (long long)blockIdx.z * size + i;
    real part = share_of(share, share_stride, ticks[blockIdx.z] - 1, steps);
    update_entry(point, first, second, at, grad[at], AT(l1, i), AT(l1_subgradient, i), AT(l2, i),
                 AT(batch_l2, i) / part, rate[blockIdx.z * rate_stride], pace + blockIdx.z * PACES, rule, betas, decay,
                 flush);
}

// `finish` and `update` at once, where `all_layers` made all sums, and without groups. Every block reckons loss and
// pace for itself, in its last warp, while the others add chunks up. now, and outputs for each of columns: see
// `all_layers`.
KERNEL settle(FINISH, const int* now, int columns, int outputs, real* point, real* first, real* second, TERM(l1),
              TERM(l1_subgradient), TERM(l2), TERM(batch_l2), const real* rate, long long rate_stride, double beta2,
              real decay, int flush) {
    __shared__ real shared[THREADS], pace[PACES], total[2];
    int network = blockIdx.z, i = blockIdx.x * blockDim.x + threadIdx.x, t = now[2 * network];
    bool there = i < size, alive = now[2 * network + 1];
    int length = size - (columns + 1) * outputs, entry = i, place = i;
    if (entry >= length) {  // in the weights of the outputs, or behind them
        sums += (long long)gridDim.z * loss_blocks * length;
        entry -= length;
        place = length + entry % columns * outputs + entry / columns;
        length = columns * outputs;
        if (entry >= length) {
            sums += (long long)gridDim.z * loss_blocks * length;
            entry -= length;
            length = outputs;
            place = i;
        }
    }
    long long at = (long long)network * size + place;
    real grad = 0;
    if (threadIdx.y == blockDim.y - 1) {
        real value = 0, penalty = 0;
        const real *losses = loss_sums + (long long)network * loss_blocks,
                   *terms = penalties + (long long)network * penalty_blocks;
        for (int k = threadIdx.x; k < loss_blocks; k += 32) value += losses[k];
        for (int k = threadIdx.x; k < penalty_blocks; k += 32) penalty += terms[k];
        value = warp_sum(value);
        penalty = warp_sum(penalty);
        if (threadIdx.x == 0) {
            total[0] = value;
            total[1] = penalty;
            set_pace(pace, t, rule, beta1, log1, log2, epsilon, epsilon_hat, factors ? factors[t % factor_count] : 1);
        }
    } else if (there) {
        const real* from = sums + (long long)network * loss_blocks * length + entry;
#pragma unroll 8
        for (int chunk = threadIdx.y; chunk < loss_blocks; chunk += blockDim.y - 1)
            grad += from[(long long)chunk * length];
    }
    grad = columns_sum(grad, shared);
    if (threadIdx.y) return;
    real part = share_of(share, share_stride, t, steps);
    Betas betas = {real(beta1), real(1 - beta1), real(beta2), real(1 - beta2)};
    if (there && alive && isfinite(total[0]))
        update_entry(point, first, second, at, grad, AT(l1, place), AT(l1_subgradient, place), AT(l2, place),
                     AT(batch_l2, place) / part, rate[network * rate_stride], pace, rule, betas, decay, flush);
    if (i == 0) end_step(t, total[0], total[1], loss, diverged_at, running, part, ticks);
}

// The same for a weight whose rows are groups, a block a row: a group has one metric, the root of its mean, and
// shrinks as one. A row whose strength is 0 is no group.
KERNEL update_groups(STEP, int columns, TERM(group)) {
    __shared__ real shared[THREADS];
    if (!alive[blockIdx.z]) return;
    Betas betas = {beta1, rest1, beta2, rest2};
    int begin = start + blockIdx.x * columns;
    long long origin = (long long)blockIdx.z * size;
    real part = share_of(share, share_stride, ticks[blockIdx.z] - 1, steps), strength = AT(group, blockIdx.x);
    const real* own = pace + blockIdx.z * PACES;
    real learning_rate = rate[blockIdx.z * rate_stride], squares = 0, norm = 0, pooled = 1;
    for (int i = begin + threadIdx.x; i < begin + columns; i += THREADS) {
        real g = whole_gradient(grad[origin + i], point[origin + i], AT(l2, i), AT(batch_l2, i) / part,
                                AT(l1_subgradient, i));
        squares += advance(rule, g, first, second, origin + i, betas);
    }
    squares = block_sum(squares, shared);
    if (rule >= ADAGRAD) pooled = sqrt(squares / columns) + own[EPSILON];
    for (int i = begin + threadIdx.x; i < begin + columns; i += THREADS) {
        long long at = origin + i;
        real w = point[at], metric = pooled;
        real g = whole_gradient(grad[at], w, AT(l2, i), AT(batch_l2, i) / part, AT(l1_subgradient, i));
        if (strength <= 0 && rule >= ADAGRAD)
            metric = sqrt(rule == ADAM || rule == ADAMW ? second[at] : first[at]) + own[EPSILON];
        real average = rule == SGD ? real(0) : first[at];
        w = move(rule, w, g, average, metric, betas, learning_rate, own, decay, flush, AT(l1, i));
        point[at] = w;
        norm += w * w;
    }
    if (strength <= 0) return;
    norm = block_norm(point + origin + begin, columns, block_sum(norm, shared), shared);
    real threshold = learning_rate * own[SCALE] / pooled * strength;
    real left = norm > threshold ? (norm - threshold) / norm : real(0);
    for (int i = begin + threadIdx.x; i < begin + columns; i += THREADS) point[origin + i] *= left;
}
