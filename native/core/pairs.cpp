#include "pairs.h"

#include <cmath>

#include "targets.h"

namespace anymax {
namespace {

constexpr idx BLOCK = 2048;  // numbers that pass together: what stays in the first cache

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

template <class T> class Pair : public PairKernel<T> {
  public:
    Pair(const Recipe &recipe, const MapKernel<T> &map, const LossKernel<T> &loss,
         const JointKernel<T> *joint, const MeetingKernels<T> &meeting)
        : recipe_(recipe), map_(map), loss_(loss), joint_(joint), meeting_(meeting),
          scaling_(recipe.scaling.begin(), recipe.scaling.end()),
          weight_(recipe.class_weight.begin(), recipe.class_weight.end()) {}

    bool takes(const int64_t *index, idx rows, idx n) const override {
        bool bad = !recipe_.classes;
        for (idx i = 0; i < rows; i++)
            bad |= uint64_t(index[i]) >= uint64_t(n) && !ignored(index[i]);
        return !bad;
    }

    bool takes(const T *values, idx rows, idx n) const override {
        const Bounds<T> bounds = {T(recipe_.low),  T(recipe_.high), recipe_.low_in,
                                  recipe_.high_in, recipe_.signs,   recipe_.sums,
                                  recipe_.classes};
        return meeting_.within(bounds, values, rows, n);
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
        return 8 * one + 8 * rows + Pieces<T>::rounded(scratch(n));
    }

    void rows(const T *z, Targets<T> y, const T *scale, T *gradient, T *value, T *work,
              idx rows, idx n, bool streaming) const override {
        Given<T> given{};
        if (joint_ && given_as(y, n, given)) {
            joint(z, given, scale, gradient, value, work, streaming, rows, n);
            return;
        }
        if (n > BLOCK && parts(y)) {
            for (idx r = 0; r < rows; r++)
                in_parts(z + r * n, y.values + r * n, scale + r,
                         gradient ? gradient + r * n : nullptr, value ? value + r : nullptr,
                         work, streaming, n);
            return;
        }
        const idx size = rows_at_once(n);
        for (idx from = 0; from < rows; from += size) {
            const idx some = rows - from < size ? rows - from : size;
            const T *logits = z + from * n;
            T *out = gradient ? gradient + from * n : nullptr;
            T *values = value ? value + from : nullptr;
            if (!joint_ && single(y))
                single_block(logits, y.index + from, scale + from, out, values, work, some,
                             n);
            else if (joint_)
                joint_block(logits, y.from(from, n), scale + from, out, values, work,
                            streaming, some, n);
            else
                block(logits, y.from(from, n), scale + from, out, values, work, streaming,
                      some, n);
        }
    }

  private:
    static const T *data(const std::vector<T> &x) { return x.empty() ? nullptr : x.data(); }

    static idx rows_at_once(idx n) { return n < BLOCK ? BLOCK / n : 1; }

    bool ignored(int64_t index) const {
        return recipe_.ignores && index == recipe_.ignored;
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

    void joint(const T *z, const Given<T> &given, const T *scale, T *gradient, T *value,
               T *work, bool streaming, idx rows, idx n) const {
        joint_->rows(recipe_.map_numbers, recipe_.loss_numbers, data(scaling_), z, given,
                     scale, gradient, value, work, streaming, rows, n);
    }

    // A block of rows whose targets are made first.
    void joint_block(const T *z, Targets<T> y, const T *scale, T *gradient, T *value,
                     T *work, bool streaming, idx rows, idx n) const {
        Pieces<T> pieces(work);
        T *rest = pieces.take(scratch(n)), *made = pieces.take(rows * n);
        const Given<T> given = {values(y, made, rows, n), nullptr, nullptr, 0, 0};
        joint(z, given, scale, gradient, value, rest, streaming, rows, n);
    }

    // The targets of a block as values.
    const T *values(Targets<T> y, T *made, idx rows, idx n) const {
        if (y.values && encoded()) return y.values;
        const Encoding<T> encoding = {recipe_.smoothing, recipe_.dialect, data(weight_),
                                      recipe_.ignored, recipe_.ignores};
        meeting_.encode(encoding, y.values, y.index, made, rows, n);
        return made;
    }

    // What is known of a block's outputs, filled in as it is asked for.
    struct Known {
        const T *z, *a;
        const T *log = nullptr, *log_not = nullptr, *less = nullptr;
        const T *normalizer = nullptr, *potential = nullptr, *conjugate = nullptr;
    };

    void answer(unsigned asked, Known &known, Pieces<T> &pieces, T *work, idx rows,
                idx n) const {
        const Numbers &numbers = recipe_.map_numbers;
        const T *z = known.z, *a = known.a;
        const bool for_rest = (asked & LOG_NOT) && !map_.log_not && recipe_.simplex;
        if (((asked & LOG) || for_rest) && !known.log) {
            T *out = pieces.take(rows * n);
            if (map_.log)
                map_.log(numbers, z, a, out, work, rows, n);
            else
                meeting_.log(a, out, rows * n);
            known.log = out;
        }
        if ((asked & LOG_NOT) && !known.log_not) {
            T *out = pieces.take(rows * n);
            if (map_.log_not)
                map_.log_not(numbers, z, a, out, work, rows, n);
            else
                meeting_.log_not(a, known.log, recipe_.simplex, out, rows, n);
            known.log_not = out;
        }
        if ((asked & LESS) && !known.less) {
            T *out = pieces.take(rows * n);
            if (map_.less)
                map_.less(numbers, z, a, out, work, rows, n);
            else
                meeting_.less(a, recipe_.simplex, out, rows, n);
            known.less = out;
        }
        if ((asked & NORMALIZER) && !known.normalizer) {
            T *out = pieces.take(rows);
            map_.normalizer(numbers, z, a, out, work, rows, n);
            known.normalizer = out;
        }
        if ((asked & POTENTIAL) && !known.potential) {
            T *out = pieces.take(rows);
            map_.potential(numbers, z, a, out, work, rows, n);
            known.potential = out;
        }
    }

    // What a block's slope has to ask of the map beside what the loss asks.
    unsigned asked_to_cancel() const {
        const bool broken = recipe_.structure == "left_out" ||
                            (recipe_.logged && recipe_.left.p != std::floor(recipe_.left.p));
        const double q = recipe_.structure == "resolved" ? recipe_.over.q : recipe_.left.q;
        return (broken ? unsigned(LOG) : 0u) | (q != 0 ? unsigned(LESS) : 0u);
    }

    // Whether a long row may pass part by part: nothing couples its entries.
    bool parts(Targets<T> y) const {
        return !joint_ && !map_.row && !loss_.row && y.values && encoded() &&
               recipe_.z_loss == 0;
    }

    void in_parts(const T *z, const T *y, const T *scale, T *gradient, T *value, T *work,
                  bool streaming, idx n) const {
        double sum = 0;
        for (idx at = 0; at < n; at += BLOCK) {
            const idx some = n - at < BLOCK ? n - at : BLOCK;
            const Columns columns = {scaling_.empty() ? nullptr : data(scaling_) + at, n};
            Pieces<T> pieces(work);
            T *rest = pieces.take(scratch(some));
            meet(z + at, y + at, scale, gradient ? gradient + at : nullptr,
                 value ? &sum : nullptr, columns, pieces, rest, streaming, 1, some);
        }
        if (value) values_of(&sum, Known{}, scale, value, 1);
    }

    void block(const T *z, Targets<T> y, const T *scale, T *gradient, T *value, T *work,
               bool streaming, idx rows, idx n) const {
        Pieces<T> pieces(work);
        T *rest = pieces.take(scratch(n));
        T *made = y.values && encoded() ? nullptr : pieces.take(rows * n);
        double *sums = reinterpret_cast<double *>(pieces.take(2 * rows));
        for (idx r = 0; r < rows; r++) sums[r] = 0;
        const Columns columns = {data(scaling_), n};
        const Known known = meet(z, values(y, made, rows, n), scale, gradient,
                                 value ? sums : nullptr, columns, pieces, rest, streaming,
                                 rows, n);
        if (value) values_of(sums, known, scale, value, rows);
    }

    // Where the columns at hand lie: their share of `scaling`, and the width of all.
    struct Columns {
        const T *scaling;
        idx width;
    };

    // The gradient of some rows, or of a part of one, unless null; the sums of their
    // values, unless null.
    Known meet(const T *z, const T *y, const T *scale, T *gradient, double *sums,
               const Columns &columns, Pieces<T> &pieces, T *work, bool streaming, idx rows,
               idx n) const {
        T *a = pieces.take(rows * n);
        map_.forward(recipe_.map_numbers, z, a, work, rows, n);
        Known known{z, a};
        unsigned asked = (sums ? loss_.for_value : 0) | (gradient ? loss_.for_slope : 0);
        if (recipe_.z_loss != 0) asked |= NORMALIZER;
        answer(asked, known, pieces, work, rows, n);
        const Outputs<T> outputs = {z, a, y, scale, known.log, known.log_not, known.less,
                                    columns.scaling, columns.width, known.normalizer,
                                    known.potential, known.conjugate};
        // the logits are still needed where the gradient is written over them
        T *top = gradient && (gradient == z || streaming) ? pieces.take(rows * n) : gradient;
        loss_.meet(recipe_.loss_numbers, outputs, {sums, top}, work, rows, n);
        if (!gradient) return known;
        const T *past = pulled(known, scale, pieces, work, rows, n);
        through(known, top, pieces, work, rows, n);
        meeting_.finish(past, scale, top, rows, n);
        if (top != gradient && streaming)
            meeting_.move(top, gradient, rows * n);
        else if (top != gradient)
            for (idx i = 0; i < rows * n; i++) gradient[i] = top[i];
        return known;
    }

    // Whether one entry a row is all that the loss sees of a softmax or its like.
    bool single(Targets<T> y) const {
        const Powers &w = recipe_.weight;
        return y.index && loss_.entries && recipe_.smoothing == 0 && recipe_.z_loss == 0 &&
               recipe_.structure == "centering" && recipe_.simplex && recipe_.logged &&
               w.p == 1 && w.q == 0 && w.r == 0;
    }

    // Rows of class indices: the loss in one entry a row, then t (e_k - a) with t its
    // cancelled slope.
    void single_block(const T *z, const int64_t *index, const T *scale, T *gradient,
                      T *value, T *work, idx rows, idx n) const {
        const Numbers &numbers = recipe_.map_numbers;
        Pieces<T> pieces(work);
        T *scratch_work = pieces.take(scratch(n));
        const bool beside = !gradient || gradient == z || map_.after;
        T *a = beside ? pieces.take(rows * n) : gradient;
        T *picked = pieces.take(rows), *less = pieces.take(rows), *log = pieces.take(rows);
        T *y = pieces.take(rows), *t = pieces.take(rows), *each = pieces.take(rows);
        map_.forward(numbers, z, a, scratch_work, rows, n);
        if (!meeting_.pick(a, index, scale, picked, less, log, rows, n) && map_.log) {
            T *logs = pieces.take(rows * n);
            map_.log(numbers, z, a, logs, scratch_work, rows, n);
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
        loss_.entries(recipe_.loss_numbers, outputs, value ? each : nullptr,
                      gradient ? t : nullptr, rows);
        for (idx r = 0; r < rows && value; r++)
            value[r] = scale[r] == 0 ? T(0) : scale[r] * each[r];
        if (!gradient) return;
        T factor = 1;
        if (map_.factor) map_.factor(numbers, z, a, &factor, scratch_work, 1, 1);
        for (idx r = 0; r < rows; r++) t[r] *= scale[r] * factor;
        meeting_.cancelled(recipe_.left, {picked, less, log, nullptr}, t, rows, 1);
        meeting_.single(a, index, t, less, scale, gradient, rows, n);
        if (map_.after) {
            map_.after(numbers, z, a, gradient, scratch_work, rows, n);
            meeting_.finish(nullptr, scale, gradient, rows, n);
        }
    }

    // The scaled values of rows, the squared log-normaliser added.
    void values_of(const double *sums, const Known &known, const T *scale, T *value,
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
    const T *pulled(const Known &known, const T *scale, Pieces<T> &pieces, T *work,
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

    // The slope's numerator `top` through the Jacobian, in place.
    void through(Known &known, T *top, Pieces<T> &pieces, T *work, idx rows,
                 idx n) const {
        const Numbers &numbers = recipe_.map_numbers;
        const std::string &structure = recipe_.structure;
        const T *z = known.z, *a = known.a;
        answer(asked_to_cancel(), known, pieces, work, rows, n);
        Places<T> places = {a, known.less, recipe_.logged ? known.log : nullptr, nullptr};
        if (structure == "resolved") meeting_.resolved(recipe_.over, places, top, rows, n);
        if (structure == "resolved" || structure == "plain") {
            map_.vjp(numbers, z, a, top, top, work, rows, n);
            return;
        }
        if (structure != "past") cancel(known, places, top, pieces, work, rows, n);
    }

    void cancel(const Known &known, Places<T> &places, T *top, Pieces<T> &pieces, T *work,
                idx rows, idx n) const {
        const Numbers &numbers = recipe_.map_numbers;
        if (map_.factor) {
            T *factor = pieces.take(rows * n);
            map_.factor(numbers, known.z, known.a, factor, work, rows, n);
            places.factor = factor;
        }
        if (recipe_.structure == "left_out") {
            meeting_.left_out(recipe_.left, places, top, work, rows, n);
        } else {
            meeting_.cancelled(recipe_.left, places, top, rows, n);
            if (recipe_.structure == "centering")
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
