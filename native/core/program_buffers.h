// Values between the operations of a program, and how threads share them out.

#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "abi.h"

namespace anymax {

// Part `tile` of 0 .. n - 1 in so many, cut at whole lines of the cache.
inline std::pair<idx, idx> cut(idx n, int tile, int tiles) {
    constexpr idx LINE = 16;
    const idx each = ((n + tiles - 1) / tiles + LINE - 1) / LINE * LINE;
    const idx begin = std::min(n, tile * each);
    return {begin, std::min(n, begin + each)};
}

// The columns begin .. end - 1 of an array of rows that lie `ld` apart.
template <class T> struct Piece {
    T *at;  // of the first row
    idx ld, begin, end;
    idx width() const { return end - begin; }
    T *row(idx i) const { return at + i * ld; }
    // Those of them that are from .. to - 1.
    Piece columns(idx from, idx to) const {
        const idx first = std::clamp(from, begin, end);
        return {at + (first - begin), ld, first, std::clamp(to, first, end)};
    }
};

// A value between operations, (batch, n), and what comes down to it. Both lie row by row;
// or in tiles, the columns of each together, so that one thread alone writes them.
template <class T> struct Buffer {
    T *value, *covector;
    idx n;        // numbers of one row
    bool wanted;  // whether anything that is trained lies before it
    idx batch;
    int tiles = 1;

    // Of the value or the covector; `middle` lines a row where it lies row by row.
    Piece<T> piece(T *base, int tile, idx middle = 1) const {
        if (tiles == 1) return {base, n / middle, 0, n / middle};
        const auto [begin, end] = cut(n, tile, tiles);
        return {base + batch * begin, end - begin, begin, end};
    }
};

// Memory that begins on a line of the cache.
template <class T> class Aligned {
  public:
    void resize(idx n) {
        constexpr idx LINE = 64 / idx(sizeof(T));
        memory_.resize(size_t(n + LINE));
        const auto past = reinterpret_cast<uintptr_t>(memory_.data()) % 64 / sizeof(T);
        at_ = memory_.data() + (past ? size_t(LINE) - past : 0);
    }
    T *data() { return at_; }

  private:
    std::vector<T> memory_;
    T *at_ = nullptr;
};

}  // namespace anymax
