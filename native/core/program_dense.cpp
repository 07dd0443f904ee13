#include <algorithm>
#include <cstring>

#include "products.h"
#include "program_operations.h"

namespace anymax {
namespace {

// Multiplications of one tile of a gradient below which it is not worth a job.
constexpr double LEAST_TILE = 4e5;
constexpr idx STRIDE = 16;  // boundaries of tiles

// Part `tile` of 0 .. n - 1 in `tiles` parts.
std::pair<idx, idx> cut(idx n, int tile, int tiles) {
    const idx each = ((n + tiles - 1) / tiles + STRIDE - 1) / STRIDE * STRIDE;
    const idx begin = std::min(n, tile * each);
    return {begin, std::min(n, begin + each)};
}

// y = x W + b, x (k, n), W (n, m), b (m,), k lines; W lies as (m, n) if turned.
template <class T> class Dense final : public Operation<T> {
  public:
    Dense(Wiring<T> wiring, Weight<T> weight, Weight<T> bias, bool turned)
        : Operation<T>(std::move(wiring)), weight_(weight), bias_(bias),
          n_(this->wiring_.takes[0]->n / this->wiring_.middle),
          m_(this->wiring_.gives->n / this->wiring_.middle), turned_(turned) {}

    bool forward(const Step &, Part part, T *) override {
        const idx k = this->lines(part);
        product(false, turned_, k, m_, n_, this->value(0, part), n_, weight_.value,
                turned_ ? n_ : m_, this->output(part), m_, {bias_.value, 0});
        return true;
    }

    bool backward(const Step &, Part part, T *) override {
        if (this->wanted(0)) descend(part, 0, n_);
        return true;
    }

    // Columns of x W, and of what comes down: rows of W.
    void forward_tile(const Step &step, int tile, T *) override {
        const auto [begin, end] = cut(m_, tile, this->sharing_.tiles);
        if (begin == end) return;
        const Part all{0, step.rows, 0};
        const idx k = this->lines(all);
        const T *weight = weight_.value + (turned_ ? begin * n_ : begin);
        const Onto<T> bias{bias_.value, 0};
        product(false, turned_, k, end - begin, n_, this->value(0, all), n_, weight,
                turned_ ? n_ : m_, this->output(all) + begin, m_, bias.from(0, begin));
    }
    void backward_tile(const Step &step, int tile, T *) override {
        if (!this->wanted(0)) return;
        const auto [begin, end] = cut(n_, tile, this->sharing_.tiles);
        descend({0, step.rows, 0}, begin, end);
    }

    bool gradient(const Step &step, int tile, T *) override {
        const Part all{0, step.rows, 0};
        const idx k = this->lines(all);
        const T *x = this->value(0, all), *g = this->covector(all);
        const LayerKernels<T> &kernels = layer_kernels<T>();
        bool finite = true;
        if (tile == 0 && bias_.value) {
            kernels.column_sums(g, bias_.gradient, bias_.add, k, m_);
            finite = kernels.finite(bias_.gradient, 0, m_);
        }
        // as it lies: x^T g (n, m), or g^T x (m, n) if turned
        const idx height = turned_ ? m_ : n_, width = turned_ ? n_ : m_;
        const auto [begin, end] = cut(height, tile, pieces_);
        if (begin == end) return finite;
        T *to = weight_.gradient + begin * width;
        product(true, false, end - begin, width, k, (turned_ ? g : x) + begin, height,
                turned_ ? x : g, width, to, width, old(weight_.add, to, width));
        return kernels.finite(to, 0, (end - begin) * width) && finite;
    }

    void arrange(const Sharing &sharing) override {
        Operation<T>::arrange(sharing);
        const double one = double(this->wiring_.middle * n_ * m_ * sharing.batch);
        pieces_ = one < LEAST_TILE ? 1 : sharing.tiles;
    }
    int gradient_tiles() const override { return pieces_; }
    Mode mode() const override { return wide_ ? Mode::tiles : Mode::slices; }
    bool widen() override { return wide_ = true; }
    double cost() const override {
        return double(this->wiring_.middle) * double(n_) * double(m_) *
               (this->wanted(0) ? 3 : 2);
    }
    idx work(idx) const override { return 0; }
    idx matrix() const override { return n_ * m_; }

  private:
    static Onto<T> old(bool adds, const T *c, idx ld) {
        return adds ? Onto<T>{c, ld} : Onto<T>{};
    }
    // Columns begin .. end - 1 of g W^T.
    void descend(Part part, idx begin, idx end) {
        if (begin == end) return;
        T *by_x = this->wiring_.takes[0]->covector + part.begin * this->wiring_.takes[0]->n;
        const T *weight = weight_.value + (turned_ ? begin : begin * m_);
        product(false, !turned_, this->lines(part), end - begin, m_, this->covector(part),
                m_, weight, turned_ ? n_ : m_, by_x + begin, n_,
                old(!this->first(0), by_x + begin, n_));
    }

    Weight<T> weight_, bias_;
    idx n_, m_;
    bool turned_, wide_ = false;
    int pieces_ = 1;
};

}  // namespace

template <class T>
Made<T> make_dense(Wiring<T> wiring, Weight<T> weight, Weight<T> bias, bool turned) {
    return std::make_unique<Dense<T>>(std::move(wiring), weight, bias, turned);
}

template Made<float> make_dense(Wiring<float>, Weight<float>, Weight<float>, bool);
template Made<double> make_dense(Wiring<double>, Weight<double>, Weight<double>, bool);

}  // namespace anymax
