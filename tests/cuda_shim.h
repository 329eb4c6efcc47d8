// Enough of CUDA's language for kernels.cu on a processor: a block's threads are fibers that take turns.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <setjmp.h>
#include <ucontext.h>
#include <utility>
#include <vector>
#define __global__
#define __device__
#define __launch_bounds__(threads)
#define __shared__ static
using std::min; using std::max; using std::fmax;
using std::exp; using std::log; using std::log1p; using std::expm1; using std::tanh; using std::sqrt; using std::fabs;
using std::isfinite;
struct Index { int x, y, z; };
static Index threadIdx, blockIdx, blockDim, gridDim;
static int HIDDEN, DROPS;

// Contexts begin a fiber, jumps change between them, which takes no system call.
static ucontext_t beginner;
static std::vector<ucontext_t> fibers;
static std::vector<std::vector<char>> stacks;
struct Place { jmp_buf where; };
static Place scheduler, places[1024];
static char done[1024], waits[1024];  // for nothing, for its block, or for its warp
enum { NOTHING, BLOCK, WARP };
static std::function<void()> body;
static int current;

static void yield(char what) {
    int own = current;
    waits[own] = what;
    if (!_setjmp(places[own].where)) _longjmp(scheduler.where, 1);
}
static void fiber() {
    for (;;) {
        body();
        done[current] = 1;
        yield(NOTHING);
    }
}
static void __syncthreads() { yield(BLOCK); }

static double exchanged[1024];
template <class T> T __shfl_xor_sync(unsigned, T value, int offset) {
    int thread = threadIdx.y * blockDim.x + threadIdx.x;
    exchanged[thread] = value;
    yield(WARP);
    T other = T(exchanged[thread ^ offset]);
    yield(WARP);
    return other;
}

static void resume(int i) {
    current = i;
    threadIdx = {i % blockDim.x, i / blockDim.x, 0};
    if (_setjmp(scheduler.where)) return;
    if (i < (int)fibers.size()) _longjmp(places[i].where, 1);
    fibers.resize(i + 1);
    stacks.emplace_back(1 << 16);
    getcontext(&fibers[i]);
    fibers[i].uc_stack.ss_sp = stacks[i].data();
    fibers[i].uc_stack.ss_size = stacks[i].size();
    makecontext(&fibers[i], fiber, 0);
    setcontext(&fibers[i]);
}

// Lets threads go on if all of them that still run have come to their barrier.
static bool release(int start, int stop, char barrier) {
    bool any = false;
    for (int i = start; i < stop; i++) {
        if (!done[i] && waits[i] != barrier) return false;
        any |= !done[i];
    }
    for (int i = start; i < stop; i++) waits[i] = NOTHING;
    return any;
}

static void run_block(bool meet) {
    int count = blockDim.x * blockDim.y;
    for (int i = 0; i < count; i++) {
        done[i] = waits[i] = 0;
        threadIdx = {i % blockDim.x, i / blockDim.x, 0};
        if (!meet) body();
    }
    for (int left = meet ? count : 0; left > 0;) {
        bool moved = false;
        for (int i = 0; i < count; i++) {
            if (done[i] || waits[i]) continue;
            resume(i);
            left -= done[i];
            moved = true;
        }
        bool met = release(0, count, BLOCK);
        for (int start = 0; start < count; start += 32) met |= release(start, min(start + 32, count), WARP);
        if (left > 0 && !moved && !met) {
            fprintf(stderr, "threads wait for each other at different barriers\n");
            abort();
        }
    }
}

template <class... A, std::size_t... I>
void launch(bool meet, void (*kernel)(A...), const int* dims, void** values, std::index_sequence<I...>) {
    gridDim = {dims[0], dims[1], dims[2]};
    blockDim = {dims[3], dims[4], 1};
    body = [=] { kernel(*reinterpret_cast<A*>(values[I])...); };
    for (int z = 0; z < gridDim.z; z++)
        for (int y = 0; y < gridDim.y; y++)
            for (int x = 0; x < gridDim.x; x++) {
                blockIdx = {x, y, z};
                run_block(meet);
            }
}
template <class... A> void launch(bool meet, void (*kernel)(A...), const int* dims, void** values) {
    launch(meet, kernel, dims, values, std::index_sequence_for<A...>{});
}
