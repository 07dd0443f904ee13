#include "pairs.h"

#include <cmath>

#include "pair_parts.h"
#include "targets.h"

namespace anymax {
namespace {

constexpr idx BLOCK = 1024;  // numbers that pass together: they stay in the first cache
constexpr idx CHECKED = 8192;  // numbers whose targets are checked at once

template <class T> class Pair : public PairKernel<T> {
  public:
    Pair(const Recipe &recipe, const MapKernel<T> &map, const LossKernel<T> &loss,
         const JointKernel<T> *joint, const MeetingKernels<T> &meeting)
        : recipe_(recipe), map_(map), loss_(loss), joint_(joint), meeting_(meeting),
          scaling_(recipe.scaling.begin(), recipe.scaling.end()),
          weight_(recipe.class_weight.begin(), recipe.class_weight.end()),
          structure_(structure_of(recipe.structure)) {}

    bool takes(const int64_t *index, idx rows, idx n) const override {
        bool bad = !recipe_.classes;
        for (idx i = 0; i < rows; i++)
            bad |= uint64_t(index[i]) >= uint64_t(n) && !ignored(index[i]);
        return !bad;
    }

    bool fits(idx n) const override {
        const auto suits = [n](const std::vector<T> &x) {
            return x.empty() || idx(x.size()) == n;
        };
        return n >= recipe_.narrowest && (!recipe_.width || recipe_.width == n) &&
               suits(scaling_) && suits(weight_);
    }

    void weights(Targets<T> y, T *weight, idx rows, idx n) const override {
        for (idx r = 0; r < rows; r++) {
            weight[r] = 1;
            if (y.index) {
                const bool out = ignored(y.index[r]);
                weight[r] = out ? T(0) : weight_.empty() ? T(1) : weight_[y.index[r]];
            } else if (!weight_.empty()) {
                double total = 0;
                for (idx i = 0; i < n; i++)
                    total += double(y.values[r * n + i]) * recipe_.class_weight[i];
                weight[r] = T(total);
            }
        }
    }

    bool even() const override { return weight_.empty() && !recipe_.ignores; }

    void drop(Targets<T> y, T *scale, idx rows) const override {
        if (!y.index || !recipe_.ignores) return;
        for (idx r = 0; r < rows; r++)
            if (ignored(y.index[r])) scale[r] = 0;
    }

    idx work(idx n) const override {
        const idx one = Pieces<T>::rounded(rows_at_once(n) * n);
        const idx rows = Pieces<T>::rounded(rows_at_once(n));
        return 8 * one + 10 * rows + Pieces<T>::rounded(scratch(n));
    }

    bool rows(const T *z, Targets<T> y, const T *scale, T *gradient, T *value, T *work,
              idx rows, idx n, bool streaming, bool check) const override {
        const Rows all = {z,    y, scale,     gradient,         value,
                          rows, n, streaming, check && y.values};
        // what the map draws near by the way is checked block by block, else more at once
        const bool near = entries() || (n > BLOCK && apart(y));
        const idx step = all.check ? CHECKED / n + 1 : rows;
        for (idx from = 0; from < rows; from += step) {
            Rows some = all.part(from, step);
            if (!near && !taken(some)) return false;
            some.check &= near;
            if (!met(some, work)) return false;
        }
        if (streaming) meeting_.settle();
        return true;
    }

  private:
    // Some rows of a call, as `rows` has them.
    struct Rows {
        const T *z;
        Targets<T> y;
        const T *scale;
        T *gradient, *value;
        idx rows, n;
        bool streaming, check;

        // At most so many of them.
        Rows part(idx from, idx most) const {
            Rows some = *this;
            some.z += from * n, some.y = y.from(from, n), some.scale += from;
            if (gradient) some.gradient += from * n;
            if (value) some.value += from;
            some.rows = rows - from < most ? rows - from : most;
            return some;
        }
    };

    // False where the targets of some rows are to be checked, and are not taken.
    bool met(const Rows &all, T *work) const {
        Given<T> given{};
        if (joint_ && given_as(all.y, all.n, given)) return joint(all, given, work);
        const bool parts = all.n > BLOCK && apart(all.y);
        const idx step = rows_at_once(all.n);
        for (idx from = 0; from < all.rows; from += step) {
            const Rows some = all.part(from, step);
            const bool taken = parts           ? in_parts(some, work)
                               : joint_        ? joint_block(some, work)
                               : single(all.y) ? single_block(some, work)
                                               : block(some, work);
            if (!taken) return false;
        }
        return true;
    }

    static const T *data(const std::vector<T> &x) { return x.empty() ? nullptr : x.data(); }

    static idx rows_at_once(idx n) { return n < BLOCK ? BLOCK / n : 1; }

    bool ignored(int64_t index) const {
        return recipe_.ignores && index == recipe_.ignored;
    }

    // Whether the targets of some rows, or of a part of them, are those of the loss.
    bool taken(const Rows &of) const {
        if (!of.check) return true;
        const Bounds<T> bounds = {T(recipe_.low),  T(recipe_.high), recipe_.low_in,
                                  recipe_.high_in, recipe_.signs,   recipe_.sums,
                                  recipe_.classes};
        return meeting_.within(bounds, of.y.values, of.rows, of.n);
    }

    // Whether targets as values are what the loss computes with already.
    bool encoded() const {
        return weight_.empty() && recipe_.smoothing == 0 && recipe_.dialect == 0;
    }

    // The targets in a form that joint kernels know; false if they have none.
    bool given_as(Targets<T> y, idx n, Given<T> &given) const {
        const double eps = recipe_.smoothing;
        if (y.values) {
            given = {y.values, nullptr, nullptr, T(0), T(0)};
            return encoded();
        }
        if (recipe_.dialect == 0 && eps != 0 && !weight_.empty()) return false;
        const double base = recipe_.dialect == 2 ? eps / double(n > 1 ? n - 1 : 1)
                                                 : eps / double(n);
        const double own = recipe_.dialect == 2 ? 1 - eps - base : 1 - eps;
        given = {nullptr, y.index, data(weight_), T(base), T(own)};
        return true;
    }

    bool joint(const Rows &of, const Given<T> &given, T *work) const {
        joint_->rows(recipe_.map_numbers, recipe_.loss_numbers, data(scaling_), of.z, given,
                     of.scale, of.gradient, of.value, work, of.streaming, of.rows, of.n);
        return true;
    }

    // Rows whose targets are made first.
    bool joint_block(const Rows &of, T *work) const {
        Pieces<T> pieces(work);
        T *rest = pieces.take(scratch(of.n)), *made = pieces.take(of.rows * of.n);
        const T *y = values(of.y, made, of.rows, of.n);
        return joint(of, {y, nullptr, nullptr, 0, 0}, rest);
    }

    // The targets of a block as values.
    const T *values(Targets<T> y, T *made, idx rows, idx n) const {
        if (y.values && encoded()) return y.values;
        const Encoding<T> encoding = {recipe_.smoothing, recipe_.dialect, data(weight_),
                                      recipe_.ignored, recipe_.ignores};
        meeting_.encode(encoding, y.values, y.index, made, rows, n);
        return made;
    }

    void ask(unsigned asked, Known<T> &known, Pieces<T> &pieces, T *work, idx rows,
             idx n) const {
        answer(recipe_, map_, meeting_, asked, known, pieces, work, rows, n);
    }

    // What a block's slope has to ask of the map beside what the loss asks.
    unsigned asked_to_cancel() const {
        const bool broken = structure_ == LEFT_OUT ||
                            (recipe_.logged && recipe_.left.p != std::floor(recipe_.left.p));
        const double q = structure_ == RESOLVED ? recipe_.over.q : recipe_.left.q;
        return (broken ? unsigned(LOG) : 0u) | (q != 0 ? unsigned(LESS) : 0u);
    }

    // Whether a long row may pass part by part: nothing couples its entries.
    bool apart(Targets<T> y) const {
        return !joint_ && !map_.row && !loss_.row && y.values && encoded() &&
               recipe_.z_loss == 0 && !recipe_.sums;
    }

    bool in_parts(const Rows &of, T *work) const {
        double sum = 0;
        for (idx at = 0; at < of.n; at += BLOCK) {
            Rows part = of;
            part.z += at, part.y.values += at;
            if (of.gradient) part.gradient += at;
            part.n = of.n - at < BLOCK ? of.n - at : BLOCK;
            const T *scaling = scaling_.empty() ? nullptr : data(scaling_) + at;
            Pieces<T> pieces(work);
            T *rest = pieces.take(scratch(part.n));
            Known<T> known{};
            double *const into = of.value ? &sum : nullptr;
            if (!meet(part, into, {scaling, of.n}, known, pieces, rest)) return false;
        }
        if (of.value) values_of(&sum, Known<T>{}, of.scale, of.value, 1);
        return true;
    }

    bool block(const Rows &of, T *work) const {
        Pieces<T> pieces(work);
        T *rest = pieces.take(scratch(of.n));
        double *sums = reinterpret_cast<double *>(pieces.take(2 * of.rows));
        for (idx r = 0; r < of.rows; r++) sums[r] = 0;
        Known<T> known{};
        double *const into = of.value ? sums : nullptr;
        if (!meet(of, into, {data(scaling_), of.n}, known, pieces, rest)) return false;
        if (of.value) values_of(sums, known, of.scale, of.value, of.rows);
        return true;
    }

    // Where the columns at hand lie: their share of `scaling`, and the width of all.
    struct Columns {
        const T *scaling;
        idx width;
    };

    // The gradient of some rows, or of a part of one, unless null; the sums of their
    // values, unless null. False where the targets are not taken.
    bool meet(const Rows &of, double *sums, const Columns &columns, Known<T> &known,
              Pieces<T> &pieces, T *work) const {
        const Numbers &numbers = recipe_.map_numbers;
        const idx rows = of.rows, n = of.n, count = rows * n;
        T *a = pieces.take(count), *rate = nullptr;
        if (entries()) {
            rate = pieces.take(count);
            map_.both(numbers, of.z, a, rate, of.y.values ? of.y.values : of.z, count);
        } else {
            map_.forward(numbers, of.z, a, work, rows, n);
        }
        if (!taken(of)) return false;
        const bool ready = of.y.values && encoded();
        const T *y = ready ? of.y.values : values(of.y, pieces.take(count), rows, n);
        known.z = of.z, known.a = a;
        unsigned asked = (sums ? loss_.for_value : 0) | (of.gradient ? loss_.for_slope : 0);
        if (recipe_.z_loss != 0) asked |= NORMALIZER;
        ask(asked, known, pieces, work, rows, n);
        const Outputs<T> outputs = {of.z,          a,
                                    y,             of.scale,
                                    known.log,     known.log_not,
                                    known.less,    columns.scaling,
                                    columns.width, known.normalizer,
                                    known.potential, known.conjugate,
                                    rate};
        // the logits may still be needed where the gradient is written over them
        T *top = of.gradient;
        if (top && (of.streaming || top == of.z)) top = rate ? rate : pieces.take(count);
        loss_.meet(recipe_.loss_numbers, outputs, {sums, top}, work, rows, n);
        if (!top) return true;
        const T *past = pulled(known, of.scale, pieces, work, rows, n);
        if (!rate) top = through(known, top, of, pieces, work);
        meeting_.finish(past, of.scale, top, rows, n);
        if (top != of.gradient && of.streaming)
            meeting_.move(top, of.gradient, count);
        else if (top != of.gradient)
            for (idx i = 0; i < count; i++) of.gradient[i] = top[i];
        return true;
    }

    // Whether the loss can take the map's slope as it is, entry by entry.
    bool entries() const {
        return !joint_ && map_.both && !loss_.row && structure_ == PLAIN &&
               recipe_.z_loss == 0;
    }

    // Whether one entry a row is all that the loss sees of a softmax or its like.
    bool single(Targets<T> y) const {
        const Powers &w = recipe_.weight;
        return y.index && loss_.entries && recipe_.smoothing == 0 && recipe_.z_loss == 0 &&
               structure_ == CENTERING && recipe_.simplex && recipe_.logged &&
               w.p == 1 && w.q == 0 && w.r == 0 && (map_.pick || !map_.after);
    }

    // Rows of class indices: the loss in one entry a row, then t (e_k - a) with t its
    // cancelled slope.
    bool single_block(const Rows &of, T *work) const {
        const Numbers &numbers = recipe_.map_numbers;
        const T *z = of.z, *scale = of.scale;
        const int64_t *index = of.y.index;
        T *gradient = of.gradient;
        const idx rows = of.rows, n = of.n;
        Pieces<T> pieces(work);
        T *rest = pieces.take(scratch(n)), *a = nullptr;
        T *picked = pieces.take(rows), *less = pieces.take(rows), *log = pieces.take(rows);
        T *y = pieces.take(rows), *t = pieces.take(rows), *each = pieces.take(rows);
        auto *shares = reinterpret_cast<Share<T> *>(pieces.take(3 * rows));
        bool good;
        if (map_.pick) {
            good = map_.pick(numbers, z, index, scale, picked, less, log, shares, rows, n);
        } else {
            a = gradient && gradient != z ? gradient : pieces.take(rows * n);
            map_.forward(numbers, z, a, rest, rows, n);
            good = meeting_.pick(a, index, scale, picked, less, log, rows, n);
        }
        if (!good && map_.log) {
            T *logs = pieces.take(rows * n);
            map_.log(numbers, z, a, logs, rest, rows, n);
            for (idx r = 0; r < rows; r++)
                if (scale[r] != 0) log[r] = logs[r * n + index[r]];
        }
        for (idx r = 0; r < rows; r++) {
            const bool counts = scale[r] != 0;
            y[r] = counts && !weight_.empty() ? weight_[index[r]] : T(1);
            if (counts && !scaling_.empty()) y[r] *= scaling_[index[r]];
        }
        Outputs<T> outputs{};
        outputs.a = picked, outputs.y = y, outputs.log = log, outputs.less = less;
        loss_.entries(recipe_.loss_numbers, outputs, of.value ? each : nullptr,
                      gradient ? t : nullptr, rows);
        for (idx r = 0; r < rows && of.value; r++)
            of.value[r] = scale[r] == 0 ? T(0) : scale[r] * each[r];
        if (!gradient) return true;
        T factor = 1;
        if (map_.factor) map_.factor(numbers, z, a, &factor, rest, 1, 1);
        for (idx r = 0; r < rows; r++) t[r] *= scale[r] * factor;
        meeting_.cancelled(recipe_.left, {picked, less, log, nullptr}, t, rows, 1);
        if (!map_.pick)
            return meeting_.single(a, index, t, less, scale, gradient, rows, n), true;
        map_.pull(numbers, z, index, t, less, shares, of.streaming, gradient, rows, n);
        meeting_.finish(nullptr, scale, gradient, rows, n);
        return true;
    }

    // The scaled values of rows, the squared log-normaliser added.
    void values_of(const double *sums, const Known<T> &known, const T *scale, T *value,
                   idx rows) const {
        for (idx r = 0; r < rows; r++) {
            double total = sums[r];
            if (recipe_.z_loss != 0)
                total += recipe_.z_loss * double(known.normalizer[r]) *
                         double(known.normalizer[r]);
            value[r] = scale[r] == 0 ? T(0) : scale[r] * T(total);
        }
    }

    // 2 z_loss times the log-normaliser and its gradient, scaled; null without one.
    const T *pulled(const Known<T> &known, const T *scale, Pieces<T> &pieces, T *work,
                    idx rows, idx n) const {
        if (recipe_.z_loss == 0) return nullptr;
        const Numbers &numbers = recipe_.map_numbers;
        T *past = pieces.take(rows * n), *by = pieces.take(rows);
        for (idx i = 0; i < rows * n; i++) past[i] = known.a[i];
        if (map_.factor) {
            map_.factor(numbers, known.z, known.a, past, work, rows, n);
            for (idx i = 0; i < rows * n; i++) past[i] *= known.a[i];
        }
        if (map_.after) map_.after(numbers, known.z, known.a, past, work, rows, n);
        for (idx r = 0; r < rows; r++) by[r] = known.normalizer[r] * scale[r];
        meeting_.stretch(T(2 * recipe_.z_loss), by, past, rows, n);
        return past;
    }

    // The slope's numerator `top` through the Jacobian, in place; or into the gradient,
    // past the caches, where it is to go there. Gives where it is.
    T *through(Known<T> &known, T *top, const Rows &of, Pieces<T> &pieces, T *work) const {
        const idx rows = of.rows, n = of.n;
        ask(asked_to_cancel(), known, pieces, work, rows, n);
        Places<T> places = {known.a, known.less, nullptr, nullptr};
        if (recipe_.logged) places.log = known.log;
        if (structure_ == RESOLVED)
            meeting_.resolved(recipe_.over, places, top, rows, n);
        if (structure_ == RESOLVED || structure_ == PLAIN) {
            // (what goes past the caches has to be settled: for long rows alone)
            const bool away = of.streaming && map_.vjp_past && n > BLOCK &&
                              recipe_.z_loss == 0;
            T *out = away ? of.gradient : top;
            (away ? map_.vjp_past : map_.vjp)(recipe_.map_numbers, of.z, known.a, top, out,
                                              work, rows, n);
            return out;
        }
        if (structure_ != PAST) cancel(known, places, top, pieces, work, rows, n);
        return top;
    }

    void cancel(const Known<T> &known, Places<T> &places, T *top, Pieces<T> &pieces, T *work,
                idx rows, idx n) const {
        const Numbers &numbers = recipe_.map_numbers;
        if (map_.factor) {
            T *factor = pieces.take(rows * n);
            map_.factor(numbers, known.z, known.a, factor, work, rows, n);
            places.factor = factor;
        }
        if (structure_ == LEFT_OUT) {
            meeting_.left_out(recipe_.left, places, top, work, rows, n);
        } else {
            meeting_.cancelled(recipe_.left, places, top, rows, n);
            if (structure_ == CENTERING)
                meeting_.centered(recipe_.weight, places, top, work, rows, n);
        }
        if (map_.after) map_.after(numbers, known.z, known.a, top, work, rows, n);
    }

    const Recipe recipe_;
    const MapKernel<T> &map_;
    const LossKernel<T> &loss_;
    const JointKernel<T> *const joint_;
    const MeetingKernels<T> &meeting_;
    const std::vector<T> scaling_, weight_;
    const Structure structure_;
};

}  // namespace

template <class T>
std::unique_ptr<PairKernel<T>> make_pair_kernel(const Recipe &recipe, std::string &why) {
    const MapKernel<T> *map = find_map<T>(recipe.map);
    const LossKernel<T> *loss = find_loss<T>(recipe.loss);
    const JointKernel<T> *joint = find_joint<T>(recipe.map, recipe.loss);
    static const MapKernel<T> none{};
    if (!map && joint) map = &none;
    if (!map) why = recipe.map + " has no kernel";
    else if (!loss) why = recipe.loss + " has no kernel";
    else if (!joint && !map->vjp) why = recipe.map + " has no kernel of its vjp";
    else if (!joint && recipe.z_loss != 0 && !map->normalizer)
        why = recipe.map + " has no kernel of its log-normaliser";
    else if (!joint && (loss->for_value & CONJUGATE))
        why = recipe.map + " has no kernel of its conjugate";
    if (!why.empty()) return nullptr;
    return std::make_unique<Pair<T>>(recipe, *map, *loss, joint,
                                     target().meetings->of(T()));
}

template std::unique_ptr<PairKernel<float>> make_pair_kernel(const Recipe &, std::string &);
template std::unique_ptr<PairKernel<double>> make_pair_kernel(const Recipe &,
                                                              std::string &);

}  // namespace anymax
