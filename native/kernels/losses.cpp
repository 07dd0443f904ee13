// The losses, each on rows of outputs that it meets: sums over the outputs first, then
// those that couple a row.

#include "kernel.h"
#include "losses.h"

namespace anymax {
namespace {

#include "power-inl.h"
#include "sums-inl.h"
#include "losses-inl.h"

// Meet rows of outputs: what `value` and `top` of a loss say, entry by entry.
template <class T, class Loss, bool VALUE, bool SLOPE>
void met(const Loss &loss, T every, const Outputs<T> &of, const Answer<T> &into, idx rows,
         idx n) {
    constexpr unsigned asks = (VALUE ? Loss::for_value : 0) | (SLOPE ? Loss::for_slope : 0);
    for (idx r = 0; r < rows; r++) {
        const T scale = of.scale[r];
        const double total = summed_wide<T>(n, [&](idx i, int k) {
            const idx at = r * n + i;
            At<T> x;
            x.a = load_some(of.a + at, k);
            x.y = load_some(of.y + at, k);
            if constexpr ((asks & LOG) != 0) x.log = load_some(of.log + at, k);
            if constexpr ((asks & LOG_NOT) != 0) x.log_not = load_some(of.log_not + at, k);
            if constexpr ((asks & LESS) != 0) x.less = load_some(of.less + at, k);
            x.scaling = of.scaling ? load_some(of.scaling + i, k) : splat<T>(every);
            x.width = T(of.width);
            // both before what may keep the compiler from seeing what they share
            V<T> value{}, top{};
            if constexpr (VALUE) value = loss.value(x);
            if constexpr (SLOPE) top = scale * loss.top(x);
            if (SLOPE && of.rate) top *= load_some(of.rate + at, k);
            if (SLOPE) store_some(into.top + at, top, k);
            return value;
        });
        if constexpr (VALUE) into.value[r] += total;
    }
}

template <class T, class Loss>
void meet(const Numbers &numbers, const Outputs<T> &of, const Answer<T> &into, T *,
          idx rows, idx n) {
    const Loss loss(numbers);
    const T every = T(numbers.v[EVERY]);
    if (!into.top)
        met<T, Loss, true, false>(loss, every, of, into, rows, n);
    else if (!into.value)
        met<T, Loss, false, true>(loss, every, of, into, rows, n);
    else
        met<T, Loss, true, true>(loss, every, of, into, rows, n);
}

// Value and top of single entries.
template <class T, class Loss>
void entries(const Numbers &numbers, const Outputs<T> &of, T *value, T *top, idx count) {
    const Loss loss(numbers);
    each_vector<T>(count, [&](idx i, int k) {
        At<T> x;
        x.a = load_some(of.a + i, k);
        x.y = load_some(of.y + i, k);
        x.log = load_some(of.log + i, k);
        x.less = load_some(of.less + i, k);
        x.scaling = splat<T>(T(numbers.v[EVERY]));
        if (value) store_some(value + i, loss.value(x), k);
        if (top) store_some(top + i, loss.top(x), k);
    });
}

#include "row-losses-inl.h"

template <class T, template <class> class Loss>
constexpr LossKernel<T> summing(const char *name) {
    return {name, false, Loss<T>::for_value, Loss<T>::for_slope, meet<T, Loss<T>>, nullptr};
}

// A loss that is 0 wherever its target is.
template <class T, template <class> class Loss>
constexpr LossKernel<T> sparse(const char *name) {
    return {name, false, Loss<T>::for_value, Loss<T>::for_slope, meet<T, Loss<T>>,
            entries<T, Loss<T>>};
}

template <class T, template <class> class Loss>
constexpr LossKernel<T> coupling(const char *name) {
    return {name, true, Loss<T>::for_value, Loss<T>::for_slope, Loss<T>::meet, nullptr};
}

template <class T> constexpr LossKernel<T> losses[] = {
    summing<T, AbsoluteError>("AbsoluteError"),
    summing<T, BinaryCrossEntropy>("BinaryCrossEntropy"),
    summing<T, Squared>("Brier"),
    sparse<T, CrossEntropy>("CrossEntropy"),
    sparse<T, Focal>("Focal"),
    sparse<T, GeneralizedCrossEntropy>("GeneralizedCrossEntropy"),
    summing<T, Hinge>("Hinge"),
    summing<T, Huber>("Huber"),
    summing<T, JensenShannon>("JensenShannon"),
    sparse<T, KLDivergence>("KLDivergence"),
    summing<T, LogCosh>("LogCosh"),
    summing<T, MeanSquared>("MeanSquaredError"),
    summing<T, NegativeLogLikelihood>("NegativeLogLikelihood"),
    summing<T, Poisson>("Poisson"),
    sparse<T, Poly>("Poly"),
    summing<T, ReverseKL>("ReverseKL"),
    summing<T, Squared>("SquaredError"),
    coupling<T, CategoricalHinge>("CategoricalHinge"),
    coupling<T, LogSpherical>("LogSpherical"),
    coupling<T, LogTaylor>("LogTaylor"),
    coupling<T, SphericalScore>("SphericalScore"),
    coupling<T, ZLoss>("ZLoss"),
    coupling<T, Matching>("Matching"),
};

}  // namespace

EXPORT(LossFamily, losses) = {
    {losses<float>, sizeof losses<float> / sizeof *losses<float>},
    {losses<double>, sizeof losses<double> / sizeof *losses<double>},
};

}  // namespace anymax
