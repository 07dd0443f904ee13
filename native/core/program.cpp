#include "program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "pool.h"

namespace anymax {
namespace {

constexpr auto BETWEEN_SIGNALS = std::chrono::microseconds(100);

// Scratch memory of a thread, given back when the thread ends.
struct Scratch {
    void *memory = nullptr;
    size_t size = 0;
    ~Scratch() { std::free(memory); }
    void *of(size_t wanted) {
        if (wanted > size) {
            std::free(memory);
            size = (wanted + 4095) / 4096 * 4096;
            memory = std::aligned_alloc(64, size);
            if (!memory) std::abort();
        }
        return memory;
    }
};

thread_local Scratch own_scratch;

}  // namespace

template <class T> T *scratch_memory(idx n) {
    return static_cast<T *>(own_scratch.of(size_t(n) * sizeof(T)));
}

template <class T> idx Operation<T>::work(idx rows) const {
    idx widest = wiring_.gives->n;
    for (const Buffer<T> *each : wiring_.takes) widest = std::max(widest, each->n);
    return scratch(widest) + rows * widest + 64;
}

template <class T> void Operation<T>::settle(int input, Part part, const T *work) const {
    if (first(input)) return;
    const Buffer<T> &x = *wiring_.takes[size_t(input)];
    const idx count = (part.end - part.begin) * x.n;
    layer_kernels<T>().add(work, count, x.covector + part.begin * x.n, count, 1, count);
}

// Slices are of one size whatever the rows of a step, so that the last may be empty.
template <class T> Part Program<T>::part(const Step &step, int slice) const {
    const idx begin = std::min(idx(slice) * slice_rows_, step.rows);
    return {begin, std::min(begin + slice_rows_, step.rows), slice};
}

// Some rows of an input from where they lie to its buffer, the columns of a tile; 0 where
// all of a row counts nowhere.
template <class T>
void Program<T>::gather_input(const Lesson<T> &lesson, size_t input, Part part, int tile) {
    const Buffer<T> &x = buffers[size_t(inputs[input])];
    const Piece<T> own = x.piece(x.value, tile);
    if (!own.width()) return;
    const int64_t *order = lesson.order ? lesson.order + begin_ + part.begin : nullptr;
    const idx first = lesson.order ? 0 : begin_ + part.begin;
    layer_kernels<T>().take(lesson.inputs[input] + first * x.n + own.begin, x.n, order,
                            own.row(part.begin), part.end - part.begin, own.width());
    if (!silences || !lesson.scale) return;
    for (idx row = part.begin; row < part.end; row++) {
        const T *weight = &weights_[size_t(row * lines)];
        if (std::all_of(weight, weight + lines, [](T each) { return each == 0; }))
            std::memset(own.row(row), 0, size_t(own.width()) * sizeof(T));
    }
}

template <class T>
void Program<T>::gather_targets(const Lesson<T> &lesson, Part part) {
    for (idx row = part.begin; row < part.end; row++) {
        const idx from = at(lesson, row) * lines, to = row * lines;
        if (lesson.targets.index)
            for (idx line = 0; line < lines; line++)
                indices_[size_t(to + line)] = lesson.targets.index[from + line];
        else if (lesson.targets.values)
            std::memcpy(&aims_[size_t(to * width)], lesson.targets.values + from * width,
                        size_t(lines * width) * sizeof(T));
    }
}

// What each line is multiplied by in the mean of these rows; returns what they count for.
template <class T>
double Program<T>::weigh(const Lesson<T> &lesson, idx begin, idx rows) {
    begin_ = begin;
    const idx count = rows * lines;
    if (!lesson.scale) {
        const T share = T(1.0 / double(count));
        for (idx i = 0; i < count; i++) weights_[size_t(i)] = share;
        return double(count);
    }
    double total = 0;
    for (idx row = 0; row < rows; row++)
        for (idx line = 0; line < lines; line++) {
            const idx from = at(lesson, row) * lines + line;
            const T own = lesson.scale[from];
            weights_[size_t(row * lines + line)] = own;
            if (own != 0) total += double(lesson.count ? own * lesson.count[from] : own);
        }
    for (idx i = 0; i < count; i++) {
        T &weight = weights_[size_t(i)];
        weight = total > 0 ? T(double(weight) / total) : T(0);
    }
    return total;
}

template <class T> void Program<T>::meet(Part part) {
    const Buffer<T> &z = buffers[size_t(logits)];
    const idx from = part.begin * lines, count = (part.end - part.begin) * lines;
    Targets<T> targets;
    if (!aims_.empty()) targets.values = aims_.data() + from * width;
    if (!indices_.empty()) targets.index = indices_.data() + from;
    pair->rows(z.value + part.begin * z.n, targets, weights_.data() + from,
               z.covector + part.begin * z.n, values_.data() + from,
               scratch_memory<T>(work_), count, width);
}

template <class T>
bool Program<T>::perform(const Lesson<T> &lesson, const Action &action, const Step &step,
                         Part part) {
    switch (action.deed) {
    case Deed::gather:
        for (size_t i = 0; i < inputs.size(); i++) gather_input(lesson, i, part, 0);
        gather_targets(lesson, part);
        return true;
    case Deed::meet:
        meet(part);
        return true;
    case Deed::forward:
        return action.operation->forward(step, part, scratch_memory<T>(work_));
    default:
        return action.operation->backward(step, part, scratch_memory<T>(work_));
    }
}

// Each thread takes slices of the rows through all these actions.
template <class T>
void Program<T>::run_slices(const Lesson<T> &lesson, const Step &step, size_t from,
                            size_t to) {
    parallel(slices_, [&](int slice) {
        const Part own = part(step, slice);
        if (own.begin == own.end) return;
        for (size_t i = from; i < to; i++)
            if (!perform(lesson, actions_[i], step, own)) {
                trouble_.store(true, std::memory_order_relaxed);
                return;
            }
    });
}

// Of what lies row by row a tile gathers, and meets, a share of the rows.
template <class T>
void Program<T>::gather_tile(const Lesson<T> &lesson, const Step &step, int tile) {
    const auto [begin, end] = cut(step.rows, tile, used_);
    const Part all{0, step.rows, tile}, some{begin, end, tile};
    for (size_t i = 0; i < inputs.size(); i++)
        gather_input(lesson, i, buffers[size_t(inputs[i])].tiles > 1 ? all : some, tile);
    gather_targets(lesson, some);
}

// Each thread takes tiles of columns through all these actions.
template <class T>
void Program<T>::run_tiles(const Lesson<T> &lesson, const Step &step, size_t from,
                           size_t to) {
    parallel(used_, [&](int tile) {
        T *work = scratch_memory<T>(work_);
        for (size_t i = from; i < to; i++) {
            Operation<T> *own = actions_[i].operation;
            const auto [begin, end] = cut(step.rows, tile, used_);
            switch (actions_[i].deed) {
            case Deed::gather: gather_tile(lesson, step, tile); break;
            case Deed::spread: own->spread_tile(step, tile, work); break;
            case Deed::forward: own->forward_tile(step, tile, work); break;
            case Deed::meet: meet({begin, end, tile}); break;
            case Deed::backward: own->backward_tile(step, tile, work); break;
            }
        }
    });
}

// One step, up to the update: false if an error is set; trouble_ if NumPy must take it.
template <class T>
bool Program<T>::step(const Lesson<T> &lesson, idx begin, Step step, double rate,
                      Outside &outside, double &loss, double &counted) {
    trouble_.store(false, std::memory_order_relaxed);
    counted = weigh(lesson, begin, step.rows);
    for (auto [from, to] : unwritten)
        std::memset(learning.gradient + from, 0, size_t(to - from) * sizeof(T));
    loss = 0;
    const Part all{0, step.rows, 0};
    for (size_t i = 0; i < actions_.size();) {
        const Action &action = actions_[i];
        size_t next = i + 1;
        while (next < actions_.size() && actions_[next].joined) next++;
        if (action.mode == Mode::slices) {
            run_slices(lesson, step, i, next);
        } else if (action.mode == Mode::tiles) {
            run_tiles(lesson, step, i, next);
        } else if (action.deed == Deed::meet) {
            if (!outside.meet(step, loss)) return false;
        } else if (!perform(lesson, action, step, all)) {
            if (!action.operation->native()) return false;
            trouble_.store(true, std::memory_order_relaxed);
        }
        if (trouble_.load(std::memory_order_relaxed)) return true;
        i = next;
    }
    if (pair)
        for (idx i = 0; i < step.rows * lines; i++) loss += double(values_[size_t(i)]);
    const Stepper<T> stepper = this->stepper(step, rate);
    const bool at_once = bounded(step) && std::isfinite(loss);
    double penalty = 0;
    const bool finite = at_once || (gradients(step, nullptr) && check(penalty));
    loss += penalty;
    if (!finite || !std::isfinite(loss)) {
        trouble_.store(true, std::memory_order_relaxed);
        return true;
    }
    for (const auto &operation : operations)
        if (!operation->keep(step)) return false;
    return at_once ? gradients(step, &stepper) : update(stepper, outside);
}

template <class T>
Outcome Program<T>::epoch(const Lesson<T> &lesson, int64_t before, Outside &outside) {
    using clock = std::chrono::steady_clock;
    if (threads_ != threads()) arrange(threads());
    indices_.resize(lesson.targets.index ? size_t(batch * lines) : 0);
    aims_.resize(lesson.targets.values ? size_t(batch * lines * width) : 0);
    auto attended = clock::now();
    const int64_t base = lesson.done->load();
    int64_t taken = 0;
    for (idx begin = 0; begin < lesson.rows; begin += batch, taken++) {
        if (lesson.stop && lesson.stop->load(std::memory_order_relaxed))
            return Outcome::stopped;
        const Step now{std::min(batch, lesson.rows - begin), seed,
                       uint64_t(before + taken)};
        if (!step(lesson, begin, now, lesson.rates[taken], outside,
                  lesson.losses[base + taken], lesson.counted[base + taken]))
            return Outcome::failed;
        if (trouble_.load(std::memory_order_relaxed)) return Outcome::declined;
        lesson.done->store(base + taken + 1, std::memory_order_release);
        if (clock::now() - attended < BETWEEN_SIGNALS) continue;
        if (!outside.attend()) return Outcome::failed;
        attended = clock::now();
    }
    return Outcome::done;
}

#define INSTANTIATE(T)                      \
    template T *scratch_memory<T>(idx);     \
    template class Operation<T>;            \
    template Outcome Program<T>::epoch(const Lesson<T> &, int64_t, Outside &);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace anymax
