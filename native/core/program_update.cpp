// The second half of a step: gradients over the whole batch, penalties, the optimizer.

#include <cmath>
#include <limits>

#include "pool.h"
#include "program.h"

namespace anymax {

constexpr double WORTHY = 1e9;  // nanoseconds of a job that threads are to share

// Take the gradients round by round; whether all that the tiles wrote is finite.
template <class T> bool Program<T>::gradients(const Step &step) {
    std::atomic<bool> finite{true};
    for (const auto &round : tasks_)
        parallel(
            int(round.size()),
            [&](int task) {
                const Task &own = round[size_t(task)];
                if (!own.operation->gradient(step, own.tile, scratch_memory<T>(work_)))
                    finite.store(false, std::memory_order_relaxed);
            },
            used_ > 1 ? WORTHY : 0);
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
        if (!kernels.finite(gradient, begin, end))
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
void Program<T>::update_chunk(const Step &step, double rate, int number) {
    const double kept = learning.average, t = double(step.number + 1);
    Update<T> update{};
    update.parameters = learning.parameters;
    update.gradient = learning.gradient;
    for (int i = 0; i < 3; i++) update.moments[i] = learning.moments[i];
    update.decays = learning.decays;
    update.averaged = learning.averaged;
    update.rate = rate;
    update.decay = learning.decay;
    update.share = learning.averages ? (1 - kept) / (1 - std::pow(kept, t)) : 0;
    update.bound = learning.clip_value ? learning.clip_value
                                       : std::numeric_limits<double>::infinity();
    update.scale = scale_;
    update.step = int64_t(step.number) + 1;
    const auto [begin, end] = chunk(number);
    learning.kernel->step(learning.numbers, update, begin, end);
}

template <class T>
bool Program<T>::update(const Step &step, double rate, Outside &outside) {
    if (!learning.kernel) return outside.update();
    parallel(chunks_, [&](int number) { update_chunk(step, rate, number); });
    return true;
}

#define INSTANTIATE(T)                                                      \
    template bool Program<T>::gradients(const Step &);                      \
    template bool Program<T>::check(double &);                              \
    template bool Program<T>::update(const Step &, double, Outside &);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace anymax
