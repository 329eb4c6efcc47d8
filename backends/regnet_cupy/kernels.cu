// A training step of a dense network, or of a stack of them, in half a dozen launches and the large products between.
//
// REAL is float or double, SMALLEST its smallest normal number. blockIdx.z is the network; a "stride" is the distance
// between the arrays of two networks, 0 where they share one. Matrices lie row by row. ticks[network] counts steps.
// Sums are made in a fixed order and nothing is atomic, so a step has the same bits every time.

typedef REAL real;

#define THREADS 256
#define FEW 16  // inputs, or outputs, that a thread keeps in registers

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

__device__ int step_of(const int* ticks, int steps) { return ticks[blockIdx.z] % steps; }

// The rows of a batch, side by side: out (networks, rows, columns); numbers (steps, batch) of rows of x.
extern "C" __global__ void gather_rows(const real* x, long long x_stride, const int* numbers, long long numbers_stride,
                                       const int* ticks, int steps, int batch, int first, int rows, int columns,
                                       real* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = rows * columns;
    if (i >= count) return;
    const int* own = numbers + blockIdx.z * numbers_stride + (long long)step_of(ticks, steps) * batch + first;
    out[(long long)blockIdx.z * count + i] = x[blockIdx.z * x_stride + (long long)own[i / columns] * columns + i % columns];
}

// z <- f(z + bias); z (networks, rows, columns).
extern "C" __global__ void bias_activation(real* z, const real* bias, long long stride, int rows, int columns,
                                           int activation, real slope) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = rows * columns;
    if (i >= count) return;
    real* own = z + (long long)blockIdx.z * count + i;
    *own = activate(activation, slope, *own + bias[blockIdx.z * stride + i % columns]);
}

// out <- f(x weight + bias) for at most FEW inputs, where a launch costs more than the product.
extern "C" __global__ void few_inputs(const real* x, long long x_stride, const real* weight, const real* bias,
                                      long long stride, int rows, int inputs, int columns, int activation, real slope,
                                      real* out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, count = rows * columns;
    if (i >= count) return;
    int column = i % columns;
    const real* own = x + blockIdx.z * x_stride + (long long)(i / columns) * inputs;
    real z = 0;
    for (int input = 0; input < inputs; input++)
        z += own[input] * weight[blockIdx.z * stride + (long long)input * columns + column];
    out[(long long)blockIdx.z * count + i] = activate(activation, slope, z + bias[blockIdx.z * stride + column]);
}

// One row's loss; turns its outputs z into the gradient with respect to them, times share.
__device__ real row_loss(int loss, real delta, real* z, const real* target, int outputs, real share) {
    real value = 0;
    if (loss == CROSS_ENTROPY) {
        real largest = z[0], total = 0;
        for (int j = 1; j < outputs; j++) largest = z[j] > largest ? z[j] : largest;
        for (int j = 0; j < outputs; j++) {
            total += exp(z[j] - largest);
            value -= target[j] * (z[j] - largest);
        }
        for (int j = 0; j < outputs; j++) z[j] = (exp(z[j] - largest) / total - target[j]) * share;
        return value + log(total);
    }
    for (int j = 0; j < outputs; j++) {
        real out = z[j], y = target[j], residual = out - y, slope = residual;
        if (loss == BINARY_CROSS_ENTROPY) {
            real small = exp(-fabs(out));
            value += (out > 0 ? out : real(0)) + log1p(small) - y * out;
            slope = (out >= 0 ? real(1) : small) / (1 + small) - y;
        } else if (loss == SQUARED_ERROR) {
            value += real(0.5) * residual * residual;
        } else if (loss == ABSOLUTE_ERROR) {
            value += fabs(residual);
            slope = residual > 0 ? real(1) : residual < 0 ? real(-1) : residual;
        } else if (loss == HUBER) {
            slope = residual > delta ? delta : residual < -delta ? -delta : residual;
            value += slope * (residual - real(0.5) * slope);
        } else {  // POISSON; 0 log 0 = 0
            slope = exp(out) - y;
            value += slope + y * (log(y > 0 ? y : real(1)) - out);
        }
        z[j] = slope * share;
    }
    return value;
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

// The losses of the rows first .. first + rows, added up by blocks of `rows_each`: sums (networks, blocks), and the
// gradient with respect to the outputs z (networks, rows, outputs) in slopes, which may be z. bias: is added, or null.
extern "C" __global__ void loss_gradient(const real* z, real* slopes, const real* bias, long long stride, const real* y, long long y_stride,
                                         const real* weight, long long weight_stride, const int* numbers,
                                         long long numbers_stride, const int* ticks, int steps, int batch, int first,
                                         int rows, int rows_each, int outputs, int loss, real delta, int block,
                                         int blocks, real* sums) {
    __shared__ real shared[THREADS];
    int stop = min(rows, (int)(blockIdx.x + 1) * rows_each);
    real value = 0;
    for (int row = blockIdx.x * rows_each + threadIdx.x; row < stop; row += THREADS) {
        Row own = find_row(y, y_stride, weight, weight_stride, numbers, numbers_stride, ticks, steps, batch,
                           first + row, outputs);
        long long place = (blockIdx.z * (long long)rows + row) * outputs;
        for (int j = 0; j < outputs; j++)
            slopes[place + j] = z[place + j] + (bias ? bias[blockIdx.z * stride + j] : real(0));
        value += own.share * row_loss(loss, delta, slopes + place, own.target, outputs, own.share);
    }
    value = block_sum(value, shared);
    if (threadIdx.x == 0) sums[(long long)blockIdx.z * blocks + block + blockIdx.x] = value;
}

// The same from the last hidden layer, h (networks, rows, columns), for at most FEW outputs of an identity: 32 threads
// make a row's outputs h weight + bias. slopes (networks, rows, outputs): the gradient with respect to them.
// bias_sums (networks, blocks, outputs): its sums over each block's rows.
extern "C" __global__ void few_outputs(const real* h, const real* weight, const real* bias, long long stride,
                                       const real* y, long long y_stride, const real* row_weight,
                                       long long weight_stride, const int* numbers, long long numbers_stride,
                                       const int* ticks, int steps, int batch, int first, int rows, int rows_each,
                                       int columns, int outputs, int loss, real delta, int block, int blocks,
                                       real* slopes, real* sums, real* bias_sums) {
    __shared__ real shared[THREADS];
    int lane = threadIdx.x % 32, stop = min(rows, (int)(blockIdx.x + 1) * rows_each);
    real value = 0, z[FEW], totals[FEW];
#pragma unroll
    for (int j = 0; j < FEW; j++) totals[j] = 0;
    // All threads of a block go round as often, since all of a warp must take part in an exchange.
    for (int start = blockIdx.x * rows_each; start < stop; start += THREADS / 32) {
        int row = start + threadIdx.x / 32;
#pragma unroll
        for (int j = 0; j < FEW; j++) z[j] = 0;
        if (row < stop) {
            const real* own = h + (blockIdx.z * (long long)rows + row) * columns;
            for (int column = lane; column < columns; column += 32) {
                real input = own[column];
                const real* out = weight + blockIdx.z * stride + (long long)column * outputs;
#pragma unroll
                for (int j = 0; j < FEW; j++)
                    if (j < outputs) z[j] += input * out[j];
            }
        }
#pragma unroll
        for (int j = 0; j < FEW; j++)
            if (j < outputs)
                for (int offset = 16; offset > 0; offset /= 2) z[j] += __shfl_down_sync(0xffffffffu, z[j], offset);
        if (row < stop && lane == 0) {
            Row own = find_row(y, y_stride, row_weight, weight_stride, numbers, numbers_stride, ticks, steps, batch,
                               first + row, outputs);
            // Through memory: an array that is indexed by a variable has no registers.
            real* slope = slopes + (blockIdx.z * (long long)rows + row) * outputs;
#pragma unroll
            for (int j = 0; j < FEW; j++)
                if (j < outputs) slope[j] = z[j] + bias[blockIdx.z * stride + j];
            value += own.share * row_loss(loss, delta, slope, own.target, outputs, own.share);
#pragma unroll
            for (int j = 0; j < FEW; j++)
                if (j < outputs) totals[j] += slope[j];
        }
    }
    long long at = (long long)blockIdx.z * blocks + block + blockIdx.x;
    value = block_sum(value, shared);
    if (threadIdx.x == 0) sums[at] = value;
#pragma unroll
    for (int j = 0; j < FEW; j++) {
        if (j >= outputs) break;
        real total = block_sum(totals[j], shared);
        if (threadIdx.x == 0) bias_sums[at * outputs + j] = total;
    }
}

// Backward through an activation: dz = dy f'(y), and what is summed over rows, by chunks of `rows_each` of them.
//
// dy, y (networks, rows, columns); dz replaces dy where `keep`. Of a layer before at most FEW outputs, dy need not be
// there: it is slopes next^T, with slopes (networks, rows, outputs) and next (columns, outputs); outputs 0: it is.
// sums (networks, chunks, (inputs + 1) columns): x^T dz for at most FEW inputs x, or none, and below it the sum of dz.
// next_sums (networks, chunks, columns outputs): y^T slopes. x of the rows first, ...
extern "C" __global__ void backward(real* dy, const real* y, int rows, int rows_each, int columns, int activation,
                                    real slope, int keep, const real* x, long long x_stride, int inputs,
                                    const real* slopes, const real* next, long long stride, int outputs, int chunk,
                                    int chunks, real* sums, real* next_sums) {
    __shared__ real shared[THREADS];
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int stop = min(rows, (int)(blockIdx.y + 1) * rows_each);
    real own[FEW], in[FEW + 1], out[FEW];
#pragma unroll
    for (int j = 0; j < FEW; j++) {
        in[j] = out[j] = 0;
        own[j] = j < outputs && column < columns ? next[blockIdx.z * stride + (long long)column * outputs + j] : real(0);
    }
    real total = 0;
    if (column < columns)
        for (int row = blockIdx.y * rows_each + threadIdx.y; row < stop; row += blockDim.y) {
            long long place = blockIdx.z * (long long)rows + row, i = place * columns + column;
            real activity = y ? y[i] : real(0), d = 0;
            if (outputs) {
#pragma unroll
                for (int j = 0; j < FEW; j++)
                    if (j < outputs) {
                        real after = slopes[place * outputs + j];
                        d += after * own[j];
                        out[j] += activity * after;
                    }
            } else {
                d = dy[i];
            }
            d *= derivative(activation, slope, activity);
            if (keep) dy[i] = d;
            total += d;
#pragma unroll
            for (int j = 0; j < FEW; j++)
                if (j < inputs) in[j] += x[blockIdx.z * x_stride + (long long)row * inputs + j] * d;
        }
    in[FEW] = total;
    long long at = (long long)blockIdx.z * chunks + chunk + blockIdx.y;
    int thread = threadIdx.y * blockDim.x + threadIdx.x;
#pragma unroll
    for (int j = 0; j < 2 * FEW + 1; j++) {
        // x's sums, then dz's, then the next layer's
        if (j < FEW ? j >= inputs : j > FEW && j - FEW - 1 >= outputs) continue;
        shared[thread] = j <= FEW ? in[j] : out[j - FEW - 1];
        __syncthreads();
        if (threadIdx.y == 0 && column < columns) {
            real sum = shared[thread];
            for (int k = 1; k < blockDim.y; k++) sum += shared[k * blockDim.x + threadIdx.x];
            if (j <= FEW)
                sums[(at * (inputs + 1) + (j < FEW ? j : inputs)) * columns + column] = sum;
            else
                next_sums[(at * columns + column) * outputs + j - FEW - 1] = sum;
        }
        __syncthreads();
    }
}

// How a step's penalty terms lie: by network and by entry, with a stride of 0 where all have the same.
#define TERM(name) const real *name, long long name##_stride, long long name##_step
#define AT(name, i) (name ? name[blockIdx.z * name##_stride + (i) * name##_step] : real(0))

// The share of the rows' weights in the batch of step t, which batch_l2 is divided by; null: all of them.
__device__ real share_of(const real* share, long long stride, int t, int steps) {
    return share ? share[blockIdx.z * stride + t % steps] : real(1);
}

// Sums of the penalties that are sums over entries, before a step: sums (networks, blocks).
extern "C" __global__ void penalty_sums(const real* point, int size, int each, TERM(l1), TERM(l2), TERM(batch_l2),
                                        const real* share, long long share_stride, const int* ticks, int steps,
                                        int blocks, real* sums) {
    __shared__ real shared[THREADS];
    real part = share_of(share, share_stride, ticks[blockIdx.z], steps), value = 0;
    int stop = min(size, (int)(blockIdx.x + 1) * each);
    for (int i = blockIdx.x * each + threadIdx.x; i < stop; i += THREADS) {
        real w = point[(long long)blockIdx.z * size + i];
        value += AT(l1, i) * fabs(w) + (AT(l2, i) + AT(batch_l2, i) / part) * w * w;
    }
    value = block_sum(value, shared);
    if (threadIdx.x == 0) sums[(long long)blockIdx.z * blocks + blockIdx.x] = value;
}

// The same of a weight's rows as groups, a block a row: sums (networks, blocks), from number `block` on.
extern "C" __global__ void group_sums(const real* point, int size, int start, int columns, TERM(group), int block,
                                      int blocks, real* sums) {
    __shared__ real shared[THREADS];
    const real* own = point + (long long)blockIdx.z * size + start + (long long)blockIdx.x * columns;
    real squares = 0;
    for (int column = threadIdx.x; column < columns; column += THREADS) squares += own[column] * own[column];
    squares = block_sum(squares, shared);
    if (threadIdx.x == 0)
        sums[(long long)blockIdx.z * blocks + block + blockIdx.x] = AT(group, blockIdx.x) * sqrt(squares);
}

// Between gradient and update. Block 0 of a network adds up its loss and penalties, sees whether it still is finite,
// counts the step, and sets the optimizer's pace. The others add chunks: each of `pieces` is (first entry here, chunks,
// length, place in sums, place in the gradient), and sums' piece is (networks, chunks, length).
extern "C" __global__ void finish(const real* loss_sums, int loss_blocks, const real* penalties, int penalty_blocks,
                                  real* loss, int* diverged_at, int* alive, real* running, const real* row_share,
                                  long long row_share_stride, int steps, int* ticks, real* pace, const real* factors,
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
        if (running) running[network] += (value + penalty) * share_of(row_share, row_share_stride, t, steps);
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
    shared[thread] = total;
    __syncthreads();
    if (threadIdx.y || place < 0) return;
    for (int k = 1; k < blockDim.y; k++) total += shared[k * blockDim.x + threadIdx.x];
    grad[(long long)network * size + place] = total;
}

// The gradient of the data loss and of the penalties that act by theirs.
__device__ real whole_gradient(real grad, real w, real l2, real batch_l2, real subgradient) {
    real sign = w > 0 ? real(1) : w < 0 ? real(-1) : real(0);
    return grad + 2 * (l2 + batch_l2) * w + subgradient * sign;
}

// Brings an entry's slots up to date; returns what its metric is the root of.
__device__ real advance(int rule, real g, real* first, real* second, long long i, real beta1, real beta2) {
    if (rule == SGD) return 0;
    if (rule == MOMENTUM || rule == NESTEROV) first[i] = beta1 * first[i] + (1 - beta1) * g;
    if (rule == ADAGRAD) return first[i] += g * g;
    if (rule == RMSPROP) return first[i] = beta2 * first[i] + (1 - beta2) * g * g;
    if (rule != ADAM && rule != ADAMW) return 0;
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    return second[i] = beta2 * second[i] + (1 - beta2) * g * g;
}

// An entry after the step along its direction; metric: what the step is divided by.
__device__ real move(int rule, real w, real g, real average, real metric, real beta1, real rate, const real* pace,
                     real decay, int flush, real l1) {
    real direction = rule == SGD || rule == ADAGRAD || rule == RMSPROP ? g : average;
    if (rule == NESTEROV) direction = beta1 * average + (1 - beta1) * g;
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
        real beta2, real decay, int flush

// Entries start .. start + count of the point and its slots, one step: gradient of the penalties, optimizer, threshold.
extern "C" __global__ void update(STEP, int count) {
    int entry = blockIdx.x * blockDim.x + threadIdx.x, i = start + entry;
    if (entry >= count || !alive[blockIdx.z]) return;
    long long at = (long long)blockIdx.z * size + i;
    real part = share_of(share, share_stride, ticks[blockIdx.z] - 1, steps);
    const real* own = pace + blockIdx.z * PACES;
    real w = point[at], g = whole_gradient(grad[at], w, AT(l2, i), AT(batch_l2, i) / part, AT(l1_subgradient, i));
    real squares = advance(rule, g, first, second, at, beta1, beta2);
    real metric = rule >= ADAGRAD ? sqrt(squares) + own[EPSILON] : real(1);
    real average = rule == SGD ? real(0) : first[at];
    point[at] = move(rule, w, g, average, metric, beta1, rate[blockIdx.z * rate_stride], own, decay, flush, AT(l1, i));
}

// The same for a weight whose rows are groups, a block a row: a group has one metric, the root of its mean, and
// shrinks as one. A row whose strength is 0 is no group.
extern "C" __global__ void update_groups(STEP, int columns, TERM(group)) {
    __shared__ real shared[THREADS];
    if (!alive[blockIdx.z]) return;
    int begin = start + blockIdx.x * columns;
    long long origin = (long long)blockIdx.z * size;
    real part = share_of(share, share_stride, ticks[blockIdx.z] - 1, steps), strength = AT(group, blockIdx.x);
    const real* own = pace + blockIdx.z * PACES;
    real learning_rate = rate[blockIdx.z * rate_stride], squares = 0, norm = 0, pooled = 1;
    for (int i = begin + threadIdx.x; i < begin + columns; i += THREADS) {
        real g = whole_gradient(grad[origin + i], point[origin + i], AT(l2, i), AT(batch_l2, i) / part,
                                AT(l1_subgradient, i));
        squares += advance(rule, g, first, second, origin + i, beta1, beta2);
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
        w = move(rule, w, g, average, metric, beta1, learning_rate, own, decay, flush, AT(l1, i));
        point[at] = w;
        norm += w * w;
    }
    norm = sqrt(block_sum(norm, shared));
    if (strength <= 0) return;
    real left = 1 - learning_rate * own[SCALE] / pooled * strength / (norm > 0 ? norm : real(1));
    for (int i = begin + threadIdx.x; i < begin + columns; i += THREADS) point[origin + i] *= left > 0 ? left : real(0);
}
