// Rows in slices, over the threads of the pool.

#pragma once

#include <algorithm>
#include <cstddef>

#include "abi.h"
#include "pool.h"

namespace anymax {

// Scratch memory of this thread, aligned to 64 bytes; what was asked for before is lost.
void *scratch_memory(size_t bytes);

// Whether an output of so many bytes is better stored past the caches.
bool past_caches(size_t bytes);

// Call body(begin, end, work) for slices of rows of n numbers T, with scratch memory of
// `count` numbers; one row costs so many nanoseconds. The rows' results must not depend
// on the slices.
template <class T, class Body>
void over_rows(idx rows, double nanoseconds_a_row, idx count, const Body &body) {
    constexpr double SMALLEST = 3e3, LARGEST = 100e3;  // nanoseconds of a slice
    constexpr idx MOST = 8, FEWEST = 4;  // slices of a thread; rows of one of many slices
    constexpr idx GROUP = 8;             // rows handled at once
    const double all = nanoseconds_a_row * double(rows);
    const auto scratch = [&] {
        return static_cast<T *>(scratch_memory(sizeof(T) * size_t(count)));
    };
    // one for each thread keeps rows in their core's cache; long work is shared anew, but
    // rows in a row are written while the next are read
    const idx least = all < SMALLEST ? 1 : threads();
    idx slices = std::min({idx(all / LARGEST), MOST * threads(), rows / FEWEST});
    slices = std::min(std::max(slices, least), rows);
    if (slices < 2) return body(idx(0), rows, scratch());
    idx step = (rows + slices - 1) / slices;
    if (step > 2 * GROUP) step = (step + GROUP - 1) / GROUP * GROUP;
    const auto slice = [&](int i) {
        const idx begin = step * i;
        if (begin < rows) body(begin, std::min(begin + step, rows), scratch());
    };
    parallel(int((rows + step - 1) / step), slice, all);
}

}  // namespace anymax
