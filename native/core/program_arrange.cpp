// How the jobs of a step are shared out among threads: fixed by sizes and threads alone.

#include <algorithm>
#include <utility>

#include "pool.h"
#include "program.h"

namespace anymax {
namespace {

// Multiplications below which one thread is faster, where values lie in tiles and where
// threads take slices of the rows: with tiles, 64-32-10 and 32 rows, 1.6e5 of them, take
// one thread 7.4 us a step and two 8.1; 64-128-10 and 64 rows, 1.3e6, 38 and 27. In slices,
// whose threads read what others wrote of every matrix, the latter took two 40.
constexpr double TINY_TILES = 4e5, TINY_SLICES = 3e6;
// Numbers of a matrix above which its columns, not the rows of the batch, are shared out:
// every thread would have to pack all of it for its few rows.
constexpr idx WIDE = 300'000;
// Rows that pass together where one thread takes the whole batch: about what keeps them
// in its cache.
constexpr idx CACHED = 1 << 17;  // numbers
constexpr idx LEAST_WIDTH = 16;  // columns of a tile
constexpr idx LEAST_ROWS = 64;   // of a slice, where one thread takes several
constexpr idx CHUNK = 1 << 14;   // entries of the flat vector that an optimizer takes

idx rounded(idx n, idx to) { return (n + to - 1) / to * to; }

}  // namespace

// Let inputs and the values between products lie in tiles, one for each thread, where all
// that takes or gives them can do with that; whether any do.
template <class T> bool Program<T>::cut_columns(int tiles) {
    std::vector<char> may(buffers.size(), 1);
    const auto of = [&](const Buffer<T> *buffer) -> char & {
        return may[size_t(buffer - buffers.data())];
    };
    for (Buffer<T> &each : buffers) {
        each.tiles = 1;
        of(&each) = tiles > 1 && each.n >= tiles * LEAST_WIDTH;
    }
    may[size_t(logits)] = 0;
    bool more = true;
    const auto forbid = [&](const Buffer<T> *buffer) {
        more |= std::exchange(of(buffer), 0) != 0;
    };
    while (std::exchange(more, false))
        for (const auto &each : operations) {
            const Wiring<T> &own = each->wiring();
            const bool never = each->cuts() == Cut::never;
            if (never)
                for (const Buffer<T> *x : own.takes) forbid(x);
            if (never || !of(own.takes[0])) forbid(own.gives);
            if (each->cuts() == Cut::alike && !of(own.gives)) forbid(own.takes[0]);
        }
    // between threads then go parts of what products give, not of their matrices
    double moved = 0, held = 0;
    for (const auto &each : operations) {
        if (!of(each->wiring().takes[0])) continue;
        moved += double(each->matrix() ? batch * each->wiring().gives->n : 0);
        held += double(each->matrix());
    }
    if (moved > held || held == 0) return false;
    for (Buffer<T> &each : buffers)
        if (of(&each)) each.tiles = tiles;
    return true;
}

template <class T> void Program<T>::arrange(int count) {
    threads_ = count;
    double cost = 0;
    idx held = 1;
    for (const auto &each : operations) {
        cost += each->cost() * double(batch);
        held += each->wiring().gives->n;
    }
    const bool tiles = cut_columns(count);
    const int wanted = used_ = cost < (tiles ? TINY_TILES : TINY_SLICES) ? 1 : count;
    if (tiles && wanted == 1) cut_columns(1);
    const idx cached = std::max(LEAST_ROWS, rounded(CACHED / held, LEAST_ROWS));
    const idx least = std::max(idx(wanted), (batch + cached - 1) / cached);
    slice_rows_ = std::min(batch, rounded((batch + least - 1) / least, 8));
    slices_ = int((batch + slice_rows_ - 1) / slice_rows_);
    work_ = pair ? pair->work(width) : 0;
    idx parameters = 0;
    for (const auto &each : operations) {
        if (each->matrix() > WIDE) each->widen();
        each->arrange({batch, slice_rows_, slices_, wanted});
        work_ = std::max(work_, each->work(batch));
        parameters += each->parameters();
    }
    joins_ = parameters == learning.size;
    chunks_ = wanted > 1 ? int(std::clamp(learning.size / CHUNK, idx(1), idx(2 * wanted))) : 1;
    weights_.resize(size_t(batch * lines));
    values_.resize(size_t(batch * lines));
    partial_.assign(size_t(2 * chunks_), 0.0);
    list_actions();
}

template <class T> void Program<T>::list_actions() {
    const auto cut = [](const Buffer<T> &each) { return each.tiles > 1; };
    const bool tiles = std::any_of(inputs.begin(), inputs.end(), [&](int i) {
        return cut(buffers[size_t(i)]);
    });
    actions_ = {{Deed::gather, nullptr, tiles ? Mode::tiles : Mode::slices, false}};
    const auto add = [&](Deed deed, Operation<T> *operation, Mode mode, bool apart) {
        const bool alike = actions_.back().mode == mode;
        const bool joined = mode == Mode::slices || (mode == Mode::tiles && apart);
        actions_.push_back({deed, operation, mode, alike && joined});
    };
    bool shared = false;  // whether each tile has the logits of some rows
    for (const auto &each : operations) {
        if (each->spreads()) add(Deed::spread, each.get(), Mode::tiles, true);
        add(Deed::forward, each.get(), each->mode(true), each->apart(true));
        shared |= each->spreads() && each->wiring().gives == &buffers[size_t(logits)];
    }
    const Mode met = !pair ? Mode::alone : shared ? Mode::tiles : Mode::slices;
    add(Deed::meet, nullptr, met, true);
    for (size_t i = operations.size(); i-- > 0;)
        add(Deed::backward, operations[i].get(), operations[i]->mode(false),
            operations[i]->apart(false));
}

template <class T> std::vector<std::string> Program<T>::described() {
    if (threads_ != threads()) arrange(threads());
    std::vector<std::string> said;
    for (const auto &each : operations)
        said.push_back(!each->native()                ? "NumPy"
                       : each->mode(true) == Mode::slices ? "native, slices"
                       : each->mode(true) == Mode::tiles  ? "native, tiles"
                                                      : "native");
    said.push_back(pair ? "native" : "NumPy");
    said.push_back(std::to_string(slices_));
    said.push_back(std::to_string(slice_rows_));
    said.push_back(std::to_string(used_));
    return said;
}

#define INSTANTIATE(T)                                 \
    template void Program<T>::arrange(int);            \
    template std::vector<std::string> Program<T>::described();
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace anymax
