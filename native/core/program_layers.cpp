// Operations that normalise, draw noise or look up.

#include <algorithm>
#include <cstring>

#include "program_operations.h"

namespace anymax {
namespace {

idx aligned(idx n) { return (n + 63) / 64 * 64; }

// What a gain or a shift got from each slice, added up in their order.
template <class T> class Sums {
  public:
    void arrange(int slices, idx n) {
        n_ = n;
        sums_.assign(size_t(slices * n), T(0));
    }
    T *of(int slice) {
        T *sum = sums_.data() + slice * n_;
        std::memset(sum, 0, size_t(n_) * sizeof(T));
        return sum;
    }
    // Into the gradient; whether all is finite.
    bool add_up(const Weight<T> &weight, int slices) const {
        const LayerKernels<T> &kernels = layer_kernels<T>();
        if (!weight.value) return true;
        kernels.column_sums(sums_.data(), weight.gradient, weight.add, slices, n_);
        return all_finite(weight.gradient, n_);
    }

  private:
    std::vector<T> sums_;
    idx n_ = 0;
};

// LayerNorm and RMSNorm.
template <class T> class Norm final : public Operation<T> {
  public:
    Norm(Wiring<T> wiring, bool centred, double eps, Weight<T> gain, Weight<T> shift)
        : Operation<T>(std::move(wiring)), centred_(centred), eps_(eps), gain_(gain),
          shift_(shift), n_(this->wiring_.gives->n / this->wiring_.middle) {}

    void arrange(const Sharing &sharing) override {
        Operation<T>::arrange(sharing);
        by_gain_.arrange(sharing.slices, n_);
        by_shift_.arrange(sharing.slices, n_);
    }
    bool forward(const Step &, Part part, T *) override {
        const size_t from = size_t(part.begin * this->wiring_.middle);
        layer_kernels<T>().norm(centred_, eps_, this->value(0, part), gain_.value,
                                shift_.value, this->output(part), &mean_[from],
                                &inverse_[from], this->lines(part), n_);
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        const size_t from = size_t(part.begin * this->wiring_.middle);
        T *rows = work + aligned(scratch(n_));
        const bool down = this->wanted(0);
        layer_kernels<T>().norm_vjp(
            centred_, this->value(0, part), gain_.value, &mean_[from], &inverse_[from],
            this->covector(part), down ? this->below(0, part, rows) : rows,
            gain_.value ? by_gain_.of(part.slice) : nullptr,
            shift_.value ? by_shift_.of(part.slice) : nullptr, work, this->lines(part),
            n_);
        if (down) this->settle(0, part, rows);
        return true;
    }
    int gradient_tiles() const override { return gain_.value || shift_.value ? 1 : 0; }
    bool gradient(const Step &step, int, T *, const Descent<T> &) override {
        // slices that a short last batch does not fill keep what they had: only used ones
        const int used = int((step.rows + this->sharing_.slice_rows - 1) /
                             this->sharing_.slice_rows);
        const bool one = by_gain_.add_up(gain_, used);
        return by_shift_.add_up(shift_, used) && one;
    }
    idx work(idx rows) const override {
        return aligned(scratch(n_)) + rows * this->wiring_.gives->n;
    }
    void hold(idx batch) {
        mean_.resize(size_t(batch * this->wiring_.middle));
        inverse_.resize(mean_.size());
    }

  private:
    bool centred_;
    double eps_;
    Weight<T> gain_, shift_;
    idx n_;
    std::vector<T> mean_, inverse_;
    Sums<T> by_gain_, by_shift_;
};

// BatchNorm while training, its columns shared out.
template <class T> class BatchNorm final : public Operation<T> {
  public:
    BatchNorm(Wiring<T> wiring, double momentum, double eps, Weight<T> gain,
              Weight<T> shift, T *running_mean, T *running_variance)
        : Operation<T>(std::move(wiring)), momentum_(momentum), eps_(eps), gain_(gain),
          shift_(shift), running_mean_(running_mean), running_variance_(running_variance),
          n_(this->wiring_.gives->n / this->wiring_.middle), mean_(size_t(n_)),
          variance_(size_t(n_)), inverse_(size_t(n_)) {}

    Mode mode(bool) const override { return Mode::tiles; }
    bool forward(const Step &, Part, T *) override { return true; }
    bool backward(const Step &, Part, T *) override { return true; }

    void forward_tile(const Step &step, int tile, T *) override {
        const Part all{0, step.rows, 0};
        const auto [at, n] = columns(tile);
        if (!n) return;
        layer_kernels<T>().batch_norm(eps_, this->value(0, all) + at, gain(at), shift(at),
                                      this->output(all) + at, &mean_[size_t(at)],
                                      &variance_[size_t(at)], &inverse_[size_t(at)],
                                      this->lines(all), n, n_);
    }
    void backward_tile(const Step &step, int tile, T *work) override {
        const Part all{0, step.rows, 0};
        const auto [at, n] = columns(tile);
        if (!n) return;
        T *below = !this->wanted(0) || !this->first(0)
                       ? spare_.data()
                       : this->wiring_.takes[0]->covector;
        layer_kernels<T>().batch_norm_vjp(
            this->value(0, all) + at, gain(at), &mean_[size_t(at)], &inverse_[size_t(at)],
            this->covector(all) + at, below + at, cleared(gain_, at, n),
            cleared(shift_, at, n), work, this->lines(all), n, n_);
        if (this->wanted(0) && !this->first(0))
            layer_kernels<T>().add(below + at, n_, this->wiring_.takes[0]->covector + at,
                                   n_, this->lines(all), n);
    }
    int gradient_tiles() const override { return gain_.value || shift_.value ? 1 : 0; }
    bool gradient(const Step &, int, T *, const Descent<T> &) override {
        return (!gain_.value || all_finite(gain_.gradient, n_)) &&
               (!shift_.value || all_finite(shift_.gradient, n_));
    }
    bool keep(const Step &) override {
        layer_kernels<T>().move(momentum_, mean_.data(), running_mean_, n_);
        layer_kernels<T>().move(momentum_, variance_.data(), running_variance_, n_);
        return true;
    }
    idx work(idx) const override { return scratch(n_); }
    void hold(idx batch) {
        if (!this->wanted(0) || !this->first(0))
            spare_.resize(size_t(batch * this->wiring_.gives->n));
    }

  private:
    const T *gain(idx at) const { return gain_.value ? gain_.value + at : nullptr; }
    const T *shift(idx at) const { return shift_.value ? shift_.value + at : nullptr; }
    // A gradient from 0, since the kernel adds to it.
    T *cleared(const Weight<T> &weight, idx at, idx n) const {
        if (!weight.value) return nullptr;
        if (!weight.add) std::memset(weight.gradient + at, 0, size_t(n) * sizeof(T));
        return weight.gradient + at;
    }
    std::pair<idx, idx> columns(int tile) const {
        const idx each = ((n_ + this->sharing_.tiles - 1) / this->sharing_.tiles + 15) / 16 * 16;
        const idx begin = std::min(n_, tile * each);
        return {begin, std::min(n_, begin + each) - begin};
    }

    double momentum_, eps_;
    Weight<T> gain_, shift_;
    T *running_mean_, *running_variance_;
    idx n_;
    std::vector<T> mean_, variance_, inverse_, spare_;
};

// BatchNorm after training. Only goes up.
template <class T> class HeldNorm final : public Operation<T> {
  public:
    HeldNorm(Wiring<T> wiring, double eps, Weight<T> gain, Weight<T> shift, const T *mean,
             const T *variance)
        : Operation<T>(std::move(wiring)), eps_(eps), gain_(gain), shift_(shift),
          mean_(mean), variance_(variance),
          n_(this->wiring_.gives->n / this->wiring_.middle) {}

    bool forward(const Step &, Part part, T *work) override {
        layer_kernels<T>().held_norm(eps_, this->value(0, part), gain_.value, shift_.value,
                                     mean_, variance_, this->output(part), work,
                                     this->lines(part), n_);
        return true;
    }
    bool backward(const Step &, Part, T *) override { return false; }
    idx work(idx) const override { return aligned(n_); }

  private:
    double eps_;
    Weight<T> gain_, shift_;
    const T *mean_, *variance_;
    idx n_;
};

template <class T> class Dropout final : public Operation<T> {
  public:
    Dropout(Wiring<T> wiring, double rate, uint64_t layer)
        : Operation<T>(std::move(wiring)), rate_(rate), layer_(layer) {}

    bool forward(const Step &step, Part part, T *) override {
        const idx middle = this->wiring_.middle;
        const Draw draw{step.seed, layer_, step.number, uint64_t(part.begin * middle)};
        layer_kernels<T>().dropout(draw, rate_, this->value(0, part), this->output(part),
                                   kept(part), this->lines(part), this->gives().n / middle);
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        if (!this->wanted(0)) return true;
        const idx count = (part.end - part.begin) * this->gives().n;
        layer_kernels<T>().dropout_vjp(rate_, kept(part), this->covector(part),
                                       this->below(0, part, work), count);
        this->settle(0, part, work);
        return true;
    }
    idx work(idx rows) const override { return rows * this->wiring_.gives->n; }
    void hold(idx batch) { kept_.resize(size_t(batch * this->wiring_.gives->n)); }

  private:
    uint8_t *kept(Part part) { return kept_.data() + part.begin * this->gives().n; }

    double rate_;
    uint64_t layer_;
    std::vector<uint8_t> kept_;
};

template <class T> class Gaussian final : public Operation<T> {
  public:
    Gaussian(Wiring<T> wiring, double deviation, uint64_t layer)
        : Operation<T>(std::move(wiring)), deviation_(deviation), layer_(layer) {}

    bool forward(const Step &step, Part part, T *work) override {
        const idx middle = this->wiring_.middle;
        const Draw draw{step.seed, layer_, step.number, uint64_t(part.begin * middle)};
        layer_kernels<T>().gaussian(draw, deviation_, this->value(0, part),
                                    this->output(part), work, this->lines(part),
                                    this->gives().n / middle);
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        if (!this->wanted(0)) return true;
        const size_t count = size_t((part.end - part.begin) * this->gives().n);
        std::memcpy(this->below(0, part, work), this->covector(part), count * sizeof(T));
        this->settle(0, part, work);
        return true;
    }
    idx work(idx rows) const override {
        return std::max(aligned(2 * this->wiring_.gives->n) + 64,
                        rows * this->wiring_.gives->n);
    }
    void hold(idx) {}

  private:
    double deviation_;
    uint64_t layer_;
};

// y_i = row x_i of W (height, n); nothing comes down to x.
template <class T> class Embedding final : public Operation<T> {
  public:
    Embedding(Wiring<T> wiring, Weight<T> weight, idx height)
        : Operation<T>(std::move(wiring)), weight_(weight), height_(height),
          n_(weight.size / height) {}

    bool forward(const Step &, Part part, T *) override {
        return layer_kernels<T>().embed(this->value(0, part), weight_.value,
                                        this->output(part), places(part), height_,
                                        n_) < 0;
    }
    bool backward(const Step &, Part part, T *) override {
        if (this->wanted(0) && this->first(0)) {
            const Buffer<T> &x = *this->wiring_.takes[0];
            std::memset(x.covector + part.begin * x.n, 0,
                        size_t(places(part)) * sizeof(T));
        }
        return true;
    }
    int gradient_tiles() const override { return 1; }
    bool gradient(const Step &step, int, T *, const Descent<T> &) override {
        const Part all{0, step.rows, 0};
        if (!weight_.add)
            std::memset(weight_.gradient, 0, size_t(weight_.size) * sizeof(T));
        layer_kernels<T>().embed_vjp(this->value(0, all), this->covector(all),
                                     weight_.gradient, places(all), n_);
        return all_finite(weight_.gradient, weight_.size);
    }
    idx work(idx) const override { return 0; }
    void hold(idx) {}

  private:
    idx places(Part part) const {
        return (part.end - part.begin) * this->wiring_.takes[0]->n;
    }

    Weight<T> weight_;
    idx height_, n_;
};

// With room for so many rows.
template <class Kind, class T, class... Args>
Made<T> made(idx batch, Wiring<T> wiring, Args... args) {
    auto operation = std::make_unique<Kind>(std::move(wiring), args...);
    operation->hold(batch);
    return operation;
}

}  // namespace

template <class T>
Made<T> make_norm(idx batch, Wiring<T> wiring, bool centred, double eps, Weight<T> gain,
                  Weight<T> shift) {
    return made<Norm<T>>(batch, std::move(wiring), centred, eps, gain, shift);
}
template <class T>
Made<T> make_batch_norm(idx batch, Wiring<T> wiring, double momentum, double eps,
                        Weight<T> gain, Weight<T> shift, T *mean, T *variance) {
    return made<BatchNorm<T>>(batch, std::move(wiring), momentum, eps, gain, shift, mean,
                              variance);
}
template <class T>
Made<T> make_held_norm(Wiring<T> wiring, double eps, Weight<T> gain, Weight<T> shift,
                       const T *mean, const T *variance) {
    return std::make_unique<HeldNorm<T>>(std::move(wiring), eps, gain, shift, mean,
                                         variance);
}
template <class T>
Made<T> make_dropout(idx batch, Wiring<T> wiring, double rate, uint64_t layer) {
    return made<Dropout<T>>(batch, std::move(wiring), rate, layer);
}
template <class T>
Made<T> make_gaussian(idx batch, Wiring<T> wiring, double deviation, uint64_t layer) {
    return made<Gaussian<T>>(batch, std::move(wiring), deviation, layer);
}
template <class T>
Made<T> make_embedding(idx batch, Wiring<T> wiring, Weight<T> weight, idx height) {
    return made<Embedding<T>>(batch, std::move(wiring), weight, height);
}

#define INSTANTIATE(T)                                                                \
    template Made<T> make_norm(idx, Wiring<T>, bool, double, Weight<T>, Weight<T>);   \
    template Made<T> make_batch_norm(idx, Wiring<T>, double, double, Weight<T>,       \
                                     Weight<T>, T *, T *);                            \
    template Made<T> make_held_norm(Wiring<T>, double, Weight<T>, Weight<T>, const T *,   \
                                    const T *);                                       \
    template Made<T> make_dropout(idx, Wiring<T>, double, uint64_t);                  \
    template Made<T> make_gaussian(idx, Wiring<T>, double, uint64_t);                 \
    template Made<T> make_embedding(idx, Wiring<T>, Weight<T>, idx);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace anymax
