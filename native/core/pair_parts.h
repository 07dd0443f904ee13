// What a pair is made of beside its kernels: scratch memory, and what is known of outputs.

#pragma once

#include "pairs.h"

namespace anymax {

// How slope and Jacobian meet, as in Recipe.
enum Structure { PLAIN, DIAGONAL, CENTERING, LEFT_OUT, RESOLVED, PAST };

inline Structure structure_of(const std::string &said) {
    const char *names[] = {"plain", "diagonal", "centering", "left_out", "resolved"};
    for (int i = 0; i < PAST; i++)
        if (said == names[i]) return Structure(i);
    return PAST;
}

// Scratch memory handed out in pieces that are aligned to 64 bytes.
template <class T> class Pieces {
  public:
    explicit Pieces(T *work) : at_(work) {}
    static idx rounded(idx count) { return (count + 15) / 16 * 16; }
    T *take(idx count) {
        T *piece = at_;
        at_ += rounded(count);
        return piece;
    }

  private:
    T *at_;
};

// What is known of a block's outputs, filled in as it is asked for.
template <class T> struct Known {
    const T *z = nullptr, *a = nullptr;
    const T *log = nullptr, *log_not = nullptr, *less = nullptr;
    const T *normalizer = nullptr, *potential = nullptr, *conjugate = nullptr;
};

// Ask the map, or take from its outputs, what is not known yet of rows (rows, n).
template <class T>
void answer(const Recipe &recipe, const MapKernel<T> &map, const MeetingKernels<T> &meeting,
            unsigned asked, Known<T> &known, Pieces<T> &pieces, T *work, idx rows,
            idx n) {
    const Numbers &numbers = recipe.map_numbers;
    const T *z = known.z, *a = known.a;
    const bool for_rest = (asked & LOG_NOT) && !map.log_not && recipe.simplex;
    if (((asked & LOG) || for_rest) && !known.log) {
        T *out = pieces.take(rows * n);
        if (map.log)
            map.log(numbers, z, a, out, work, rows, n);
        else
            meeting.log(a, out, rows * n);
        known.log = out;
    }
    if ((asked & LOG_NOT) && !known.log_not) {
        T *out = pieces.take(rows * n);
        if (map.log_not)
            map.log_not(numbers, z, a, out, work, rows, n);
        else
            meeting.log_not(a, known.log, recipe.simplex, out, rows, n);
        known.log_not = out;
    }
    if ((asked & LESS) && !known.less) {
        T *out = pieces.take(rows * n);
        if (map.less)
            map.less(numbers, z, a, out, work, rows, n);
        else
            meeting.less(a, recipe.simplex, out, rows, n);
        known.less = out;
    }
    if ((asked & NORMALIZER) && !known.normalizer) {
        T *out = pieces.take(rows);
        map.normalizer(numbers, z, a, out, work, rows, n);
        known.normalizer = out;
    }
    if ((asked & POTENTIAL) && !known.potential) {
        T *out = pieces.take(rows);
        map.potential(numbers, z, a, out, work, rows, n);
        known.potential = out;
    }
}

}  // namespace anymax
