// A training step of a dense network, or of a stack of them, in half a dozen launches and the large products between.
//
// REAL is float or double, SMALLEST its smallest normal number, LARGEST its largest, LEAST_SUM a sum of squares from
// which on those that were too small to be kept do not matter; INPUTS and OUTPUTS are the network's where they are few
// enough for a thread's registers, else 1. Matrices lie row by row. blockIdx.z is the
// network; a "stride" is the distance between the arrays of two networks, 0 where they share one. ticks[network] counts
// steps. Sums are made in a fixed order and nothing is atomic, so a step has the same bits every time.

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

// The sum, or the largest, of a warp's values, in all its threads; all of them must call it.
__device__ real warp_sum(real value) {
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
    return value;
}

__device__ real warp_max(real value) {
    for (int offset = 16; offset > 0; offset /= 2) value = fmax(value, __shfl_xor_sync(0xffffffffu, value, offset));
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

// One row's loss, by a warp, each of whose threads has every 32nd output; turns z into the gradient times share. All
// threads of the warp must call it, with outputs 0 where there is no row.
__device__ real row_loss(int loss, real delta, real* z, const real* target, int outputs, real share) {
    int lane = threadIdx.x % 32;
    real value = 0, total = 0;
    if (loss == CROSS_ENTROPY) {
        real largest = -LARGEST, equals = 0;
        for (int j = lane; j < outputs; j += 32) largest = fmax(largest, z[j]);
        largest = warp_max(largest);
        for (int j = lane; j < outputs; j += 32) {
            // The largest output's own 1 would round the others' exponentials away.
            if (z[j] < largest) total += exp(z[j] - largest);
            else equals += 1;
            value -= target[j] * (z[j] - largest);
        }
        total = warp_sum(total) + (warp_sum(equals) - 1);
        value = warp_sum(value);
        for (int j = lane; j < outputs; j += 32) z[j] = (exp(z[j] - largest) / (1 + total) - target[j]) * share;
        return value + log1p(total);
    }
    for (int j = lane; j < outputs; j += 32) {
        real slope;
        value += output_loss(loss, delta, z[j], target[j], &slope);
        z[j] = slope * share;
    }
    return warp_sum(value);
}

// Where a row's target and weight lie; with numbers its batch's rows are meant, (steps, batch).
struct Row {
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
    Row found = {y + blockIdx.z * y_stride + number * outputs, weight[blockIdx.z * weight_stride + at]};
    return found;
}

// What every kernel is told that goes from rows to their losses: the rows first .. first + rows of a batch, or of all.
#define LOSSES                                                                                                       \
    const real *y, long long y_stride, const real *row_weight, long long weight_stride, const int *numbers,          \
        long long numbers_stride, const int *ticks, int steps, int batch, int first, int rows, int rows_each,        \
        int outputs, int loss, real delta, int add, int blocks, real *slopes, real *sums

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

// The rows' losses, added up by blocks of `rows_each`: sums (networks, blocks), added to what is there if `add`; and in
// slopes the gradient with respect to the outputs z (networks, rows, outputs), which may be z. bias: is added, or null.
KERNEL loss_gradient(LOSSES, const real* z, const real* bias, long long stride) {
    __shared__ real shared[WARPS][32];
    int lane = threadIdx.x % 32, stop = min(rows, (int)(blockIdx.x + 1) * rows_each);
    real value = 0;
    for (int start = blockIdx.x * rows_each; start < stop; start += WARPS) {
        int row = start + threadIdx.x / 32, count = row < stop ? outputs : 0;
        Row own = FIND_ROW(count ? row : 0);
        long long place = (blockIdx.z * (long long)rows + row) * outputs;
        for (int j = lane; j < count; j += 32)
            slopes[place + j] = z[place + j] + (bias ? bias[blockIdx.z * stride + j] : real(0));
        real loss_of_row = row_loss(loss, delta, slopes + place, own.target, count, own.share);
        if (count) value += own.share * loss_of_row;
    }
    value = lanes_sum(value, shared);
    long long at = (long long)blockIdx.z * blocks + blockIdx.x;
    if (threadIdx.x == 0) sums[at] = value + (add ? sums[at] : real(0));
}

// The same from the last hidden layer, h (networks, rows, columns), for OUTPUTS outputs without an activation: a warp
// makes a row's outputs h weight + bias. bias_sums (networks, blocks, outputs): the slopes' sums over a block's rows.
KERNEL few_outputs(LOSSES, const real* h, const real* weight, const real* bias, long long stride, int columns,
                   real* bias_sums) {
    __shared__ real shared[WARPS][32];
    __shared__ real outs[WARPS][OUTPUTS];
    int lane = threadIdx.x % 32, stop = min(rows, (int)(blockIdx.x + 1) * rows_each);
    real value = 0, slope_sum = 0, *out = outs[threadIdx.x / 32];
    real own_bias = lane < OUTPUTS ? bias[blockIdx.z * stride + lane] : real(0);
    const real* weights = weight + blockIdx.z * stride;
    // All threads of a block go round as often, since all of a warp must take part in an exchange.
    for (int start = blockIdx.x * rows_each; start < stop; start += WARPS) {
        int row = start + threadIdx.x / 32;
        bool there = row < stop;
        real z[OUTPUTS];
#pragma unroll
        for (int j = 0; j < OUTPUTS; j++) z[j] = 0;
        if (there) {
            const real* inputs = h + (blockIdx.z * (long long)rows + row) * columns;
            for (int column = lane; column < columns; column += 32) {
                real input = inputs[column];
#pragma unroll
                for (int j = 0; j < OUTPUTS; j++) z[j] += input * weights[column * OUTPUTS + j];
            }
        }
#pragma unroll
        for (int j = 0; j < OUTPUTS; j++) {
            real total = warp_sum(z[j]);
            if (lane == j) out[j] = total + own_bias;
        }
        Row own = FIND_ROW(there ? row : 0);
        real loss_of_row = row_loss(loss, delta, out, own.target, there ? OUTPUTS : 0, own.share);
        if (!there) continue;
        value += own.share * loss_of_row;
        if (lane < OUTPUTS) {
            slopes[(blockIdx.z * (long long)rows + row) * OUTPUTS + lane] = out[lane];
            slope_sum += out[lane];
        }
    }
    value = lanes_sum(value, shared);
    slope_sum = lanes_sum(slope_sum, shared);
    long long at = (long long)blockIdx.z * blocks + blockIdx.x;
    if (threadIdx.x == 0) sums[at] = value + (add ? sums[at] : real(0));
    if (threadIdx.x < OUTPUTS) {
        real* sum = bias_sums + at * OUTPUTS + threadIdx.x;
        *sum = slope_sum + (add ? *sum : real(0));
    }
}

// Backward through an activation: dz = dy f'(y), and what is summed over rows, by chunks of `rows_each` of them.
//
// dy, y (networks, rows, columns), y after dropout; dz replaces dy where `keep`. Before OUT > 0 outputs dy need not be
// there: it is slopes next^T; slopes (networks, rows, OUT), next (columns, OUT). add: to the sums that are there.
// sums (networks, chunks, (IN + 1) columns): x^T dz for IN inputs x, and below it the sum of dz.
// next_sums (networks, chunks, columns OUT): y^T slopes.
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
        real* own = next_sums + (at * columns + column) * OUT + j;
        if (writes) *own = sum + (add ? *own : real(0));
    }
}

#define ARGUMENTS                                                                                                    \
    dy, y, rows, rows_each, columns, activation, slope, seed, seed_stride, ticks, layer, first, threshold, kept,     \
        keep, x, x_stride, slopes, next, stride, add, chunks, sums, next_sums

KERNEL backward(BACKWARD) { go_backward<0, 0>(ARGUMENTS); }
KERNEL backward_to_few_inputs(BACKWARD) { go_backward<INPUTS, 0>(ARGUMENTS); }
KERNEL backward_from_few_outputs(BACKWARD) { go_backward<0, OUTPUTS>(ARGUMENTS); }
KERNEL backward_between_few(BACKWARD) { go_backward<INPUTS, OUTPUTS>(ARGUMENTS); }

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

// Between gradient and update. Block 0 of a network adds up its loss and penalties, sees whether it still is finite,
// counts the step, and sets the optimizer's pace. The others add chunks: each of `pieces` is (first entry here, chunks,
// length, place in sums, place in the gradient), and sums' piece is (networks, chunks, length).
KERNEL finish(const real* loss_sums, int loss_blocks, const real* penalties, int penalty_blocks,
                                  real* loss, int* diverged_at, int* alive, real* running, const real* share,
                                  long long share_stride, int steps, int* ticks, real* pace, const real* factors,
                                  int factor_count, int rule, double beta1, double beta2, double epsilon,
                                  int epsilon_hat, const long long* pieces, int piece_count, const real* sums,
                                  real* grad, int size) {
    __shared__ real shared[THREADS];
    int network = blockIdx.z, thread = threadIdx.y * blockDim.x + threadIdx.x;
    if (blockIdx.x == 0) {
        real value = 0, penalty = 0;
        for (int i = thread; i < loss_blocks; i += THREADS) value += loss_sums[(long long)network * loss_blocks + i];
        for (int i = thread; i < penalty_blocks; i += THREADS)
            penalty += penalties[(long long)network * penalty_blocks + i];
        value = block_sum(value, shared);
        penalty = block_sum(penalty, shared);
        if (thread) return;
        int t = ticks[network], finite = isfinite(value) ? 1 : 0;
        loss[network] = value;
        if (running) running[network] += (value + penalty) * share_of(share, share_stride, t, steps);
        alive[network] = finite && diverged_at[network] < 0;
        if (!finite && diverged_at[network] < 0) diverged_at[network] = t;
        double factor = factors ? factors[t % factor_count] : 1, rate = 1, scale = 1, small = epsilon;
        if (rule == MOMENTUM || rule == NESTEROV) rate = scale = 1 / (1 - beta1);
        if (rule == ADAM || rule == ADAMW) {
            double first = beta1 > 0 ? -expm1(log(beta1) * (t + 1.0)) : 1;
            scale = sqrt(beta2 > 0 ? -expm1(log(beta2) * (t + 1.0)) : 1);
            rate = scale / first;
            small = epsilon_hat ? epsilon : epsilon * scale;
        }
        real* own = pace + (long long)network * PACES;
        own[RATE] = rate * factor;
        own[SCALE] = scale * factor;
        own[EPSILON] = small;
        own[FACTOR] = factor;
        ticks[network] = t + 1;
        return;
    }
    long long i = (long long)(blockIdx.x - 1) * blockDim.x + threadIdx.x, place = -1;
    real total = 0;
    for (int piece = 0; piece < piece_count; piece++) {
        const long long* own = pieces + 5 * piece;
        long long entry = i - own[0], chunks = own[1], length = own[2];
        if (entry < 0 || entry >= length) continue;
        const real* from = sums + own[3] + network * chunks * length + entry;
        for (long long chunk = threadIdx.y; chunk < chunks; chunk += blockDim.y) total += from[chunk * length];
        place = own[4] + entry;
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

// Entries start .. start + count of the point and its slots, one step: gradient of the penalties, optimizer, threshold.
KERNEL update(STEP, int count) {
    int entry = blockIdx.x * blockDim.x + threadIdx.x, i = start + entry;
    if (entry >= count || !alive[blockIdx.z]) return;
    Betas betas = {beta1, rest1, beta2, rest2};
    long long at = (long long)blockIdx.z * size + i;
    real part = share_of(share, share_stride, ticks[blockIdx.z] - 1, steps);
    const real* own = pace + blockIdx.z * PACES;
    real w = point[at], g = whole_gradient(grad[at], w, AT(l2, i), AT(batch_l2, i) / part, AT(l1_subgradient, i));
    real squares = advance(rule, g, first, second, at, betas);
    real metric = rule >= ADAGRAD ? sqrt(squares) + own[EPSILON] : real(1);
    real average = rule == SGD ? real(0) : first[at];
    point[at] = move(rule, w, g, average, metric, betas, rate[blockIdx.z * rate_stride], own, decay, flush, AT(l1, i));
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
