// How the jobs of a step are shared out among threads: fixed by sizes and threads alone.

#include <algorithm>

#include "pool.h"
#include "program.h"

namespace anymax {
namespace {

// Multiplications below which one thread is faster: at 64-128-10 and 64 rows, 1.3e6 of
// them, it takes 32 us a step and two take 40; at 784-128-10, 13e6, 270 against 183.
constexpr double TINY = 3e6;
// Numbers of a matrix above which its columns, not the rows of the batch, are shared out:
// every thread would have to pack all of it for its few rows.
constexpr idx WIDE = 300'000;
// Rows that pass together where one thread takes the whole batch: about what keeps them
// in its cache.
constexpr idx CACHED = 1 << 17;  // numbers
constexpr idx LEAST_ROWS = 64;   // of a slice, where one thread takes several
constexpr idx CHUNK = 1 << 14;   // entries of the flat vector that an optimizer takes

idx rounded(idx n, idx to) { return (n + to - 1) / to * to; }

}  // namespace

template <class T> void Program<T>::arrange(int count) {
    threads_ = count;
    double cost = 0;
    idx held = 1;
    for (const auto &each : operations) {
        cost += each->cost() * double(batch);
        held += each->wiring().gives->n;
    }
    const int wanted = used_ = cost < TINY ? 1 : count;
    const idx cached = std::max(LEAST_ROWS, rounded(CACHED / held, LEAST_ROWS));
    const idx least = std::max(idx(wanted), (batch + cached - 1) / cached);
    slice_rows_ = std::min(batch, rounded((batch + least - 1) / least, 8));
    slices_ = int((batch + slice_rows_ - 1) / slice_rows_);
    work_ = pair ? pair->work(width) : 0;
    for (const auto &each : operations) {
        if (each->matrix() > WIDE) each->widen();
        each->arrange({batch, slice_rows_, slices_, wanted});
        work_ = std::max(work_, each->work(batch));
    }
    chunks_ = wanted > 1 ? int(std::clamp(learning.size / CHUNK, idx(1), idx(2 * wanted))) : 1;
    weights_.resize(size_t(batch * lines));
    values_.resize(size_t(batch * lines));
    partial_.assign(size_t(2 * chunks_), 0.0);
    list_actions();
}

template <class T> void Program<T>::list_actions() {
    actions_ = {{Deed::gather, nullptr, Mode::slices}};
    for (const auto &each : operations)
        actions_.push_back({Deed::forward, each.get(), each->mode()});
    actions_.push_back({Deed::meet, nullptr, pair ? Mode::slices : Mode::alone});
    for (size_t i = operations.size(); i-- > 0;)
        actions_.push_back({Deed::backward, operations[i].get(), operations[i]->mode()});
    tasks_.clear();
    for (const auto &round : rounds) {
        tasks_.emplace_back();
        for (int i : round)
            for (int tile = 0; tile < operations[size_t(i)]->gradient_tiles(); tile++)
                tasks_.back().push_back({operations[size_t(i)].get(), tile});
    }
}

template <class T> std::vector<std::string> Program<T>::described() {
    if (threads_ != threads()) arrange(threads());
    std::vector<std::string> said;
    for (const auto &each : operations)
        said.push_back(!each->native()                ? "NumPy"
                       : each->mode() == Mode::slices ? "native, slices"
                       : each->mode() == Mode::tiles  ? "native, tiles"
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
