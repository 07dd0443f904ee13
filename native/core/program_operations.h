// The operations that a program can be made of, each in the file of its kind.

#pragma once

#include "program.h"

namespace anymax {

template <class T> using Made = std::unique_ptr<Operation<T>>;

// y = x W + b; `turned`: W lies as (m, n). No bias: its value is null.
template <class T>
Made<T> make_dense(Wiring<T> wiring, Weight<T> weight, Weight<T> bias, bool turned);

// a = f(z) by a kernel.
template <class T>
Made<T> make_map(Wiring<T> wiring, const MapKernel<T> *kernel, Numbers numbers);

// The same numbers: Identity, Flatten, Reshape.
template <class T> Made<T> make_copy(Wiring<T> wiring);
template <class T> Made<T> make_add(Wiring<T> wiring);
template <class T> Made<T> make_multiply(Wiring<T> wiring);
template <class T> Made<T> make_join(Wiring<T> wiring);

template <class T>
Made<T> make_columns(Wiring<T> wiring, std::vector<int64_t> columns);

// With room for `batch` rows. Gain and shift may be missing: their values are null.
template <class T>
Made<T> make_norm(idx batch, Wiring<T> wiring, bool centred, double eps, Weight<T> gain,
                  Weight<T> shift);
template <class T>
Made<T> make_batch_norm(idx batch, Wiring<T> wiring, double momentum, double eps,
                        Weight<T> gain, Weight<T> shift, T *running_mean,
                        T *running_variance);
// BatchNorm after training, by running statistics; it only goes up.
template <class T>
Made<T> make_held_norm(Wiring<T> wiring, double eps, Weight<T> gain, Weight<T> shift,
                       const T *mean, const T *variance);
template <class T>
Made<T> make_dropout(idx batch, Wiring<T> wiring, double rate, uint64_t layer);
template <class T>
Made<T> make_gaussian(idx batch, Wiring<T> wiring, double deviation, uint64_t layer);
template <class T>
Made<T> make_embedding(idx batch, Wiring<T> wiring, Weight<T> weight, idx height);

}  // namespace anymax
