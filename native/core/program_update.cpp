// The second half of a step: gradients over the whole batch, penalties, the optimizer.

#include <cmath>
#include <limits>

#include "pool.h"
#include "program.h"

namespace anymax {

// Whether all gradients may go through the optimizer block by block: they are finite, for
// certain, and nothing has to be known of all of them before.
template <class T> bool Program<T>::bounded(const Step &step) {
    bool fine = joins_ && learning.kernel && !learning.frozen && learning.l1 == 0 &&
                learning.l2 == 0 && !learning.clip_norm;
    for (const auto &each : operations)
        if (each->gradient_tiles() > 0) fine &= each->bounded(step);
    return fine;
}

// Take the gradients round by round, and the steps where there is a stepper; whether all
// that the tiles wrote is finite.
template <class T>
bool Program<T>::gradients(const Step &step, const Stepper<T> *stepper) {
    std::atomic<bool> finite{true};
    const Descent<T> descent{learning.gradient, stepper};
    for (const auto &round : rounds)
        parallel(used_, [&](int own) {
            T *work = scratch_memory<T>(work_);
            for (int i : round) {
                Operation<T> &operation = *operations[size_t(i)];
                const int tiles = operation.gradient_tiles();
                const int tile = tiles == 1 && used_ > 1 ? own - 1 : own;  // a helper's
                if (tile < 0 || tile >= tiles) continue;
                if (!operation.gradient(step, tile, work, descent))
                    finite.store(false, std::memory_order_relaxed);
            }
        });
    return finite.load(std::memory_order_relaxed);
}

// The entries of the flat vectors that are chunk `number`, whole cache lines.
template <class T> std::pair<idx, idx> Program<T>::chunk(int number) const {
    const idx each = ((learning.size + chunks_ - 1) / chunks_ + 63) / 64 * 64;
    const idx begin = std::min(learning.size, number * each);
    return {begin, std::min(learning.size, begin + each)};
}

// Penalties and frozen entries into the gradient, its length and whether it is finite:
// a pass that is left out where there is nothing of this.
template <class T> bool Program<T>::check(double &penalty) {
    const bool penalised = learning.l1 != 0 || learning.l2 != 0;
    scale_ = 1;
    if (!penalised && !learning.frozen && !learning.clip_norm && !scattered) return true;
    const LayerKernels<T> &kernels = layer_kernels<T>();
    const double bound = learning.clip_value ? learning.clip_value
                                             : std::numeric_limits<double>::infinity();
    std::atomic<bool> finite{true};
    parallel(chunks_, [&](int number) {
        const auto [begin, end] = chunk(number);
        T *gradient = learning.gradient;
        partial_[size_t(2 * number)] =
            penalised ? kernels.penalty(learning.l1, learning.l2, learning.parameters,
                                        learning.decays, gradient, begin, end)
                      : 0;
        if (learning.frozen) kernels.freeze(learning.frozen, gradient, begin, end);
        if (!all_finite(gradient + begin, end - begin))
            finite.store(false, std::memory_order_relaxed);
        partial_[size_t(2 * number + 1)] =
            learning.clip_norm ? kernels.squares(gradient, bound, begin, end) : 0;
    });
    double squares = 0;
    for (int number = 0; number < chunks_; number++) {
        penalty += partial_[size_t(2 * number)];
        squares += partial_[size_t(2 * number + 1)];
    }
    const double length = std::sqrt(squares);
    if (learning.clip_norm && length > learning.clip_norm)
        scale_ = learning.clip_norm / length;
    return finite.load(std::memory_order_relaxed);
}

template <class T>
Stepper<T> Program<T>::stepper(const Step &step, double rate) const {
    const double kept = learning.average, t = double(step.number + 1);
    Update<T> update{};
    update.parameters = learning.parameters;
    for (int i = 0; i < 3; i++) update.moments[i] = learning.moments[i];
    update.decays = learning.decays;
    update.averaged = learning.averaged;
    update.rate = rate;
    update.decay = learning.decay;
    update.share = learning.averages ? (1 - kept) / (1 - std::pow(kept, t)) : 0;
    update.bound = learning.clip_value ? learning.clip_value
                                       : std::numeric_limits<double>::infinity();
    update.scale = 1;
    update.step = int64_t(step.number) + 1;
    return {learning.kernel, &learning.numbers, update};
}

// The step of the optimizer over a gradient that is all there.
template <class T>
bool Program<T>::update(Stepper<T> stepper, Outside &outside) {
    if (!learning.kernel) return outside.update();
    stepper.update.scale = scale_;
    parallel(chunks_, [&](int number) {
        const auto [begin, end] = chunk(number);
        stepper(learning.gradient + begin, {begin, end - begin});
    });
    return true;
}

#define INSTANTIATE(T)                                                      \
    template bool Program<T>::bounded(const Step &);                        \
    template bool Program<T>::gradients(const Step &, const Stepper<T> *);  \
    template bool Program<T>::check(double &);                              \
    template Stepper<T> Program<T>::stepper(const Step &, double) const;    \
    template bool Program<T>::update(Stepper<T>, Outside &);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace anymax
