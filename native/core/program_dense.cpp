// Products with a matrix that is trained.

#include <algorithm>

#include "products.h"
#include "program_operations.h"

namespace anymax {
namespace {

// Multiplications of one tile of a gradient below which it is not worth a job.
constexpr double LEAST_TILE = 4e5;
// A block of a gradient that goes through the optimizer while it is in the cache.
constexpr idx NUMBERS = 16384, WIDTH = 256;  // of a block, at most so wide

// y = x W + b, x (k, n), W (n, m), b (m,), k lines; W lies as (m, n) if turned.
//
// Where x lies in tiles, the thread of a tile owns the rows of W that meet it, alone reads
// and writes them, and multiplies the two. Its own part of y, a tile of columns or a share
// of the rows, is then what the others found for it, and its own product.
template <class T> class Dense final : public Operation<T> {
  public:
    Dense(Wiring<T> wiring, Weight<T> weight, Weight<T> bias, bool turned)
        : Operation<T>(std::move(wiring)), weight_(weight), bias_(bias),
          n_(this->wiring_.takes[0]->n / this->wiring_.middle),
          m_(this->wiring_.gives->n / this->wiring_.middle), turned_(turned) {}

    bool forward(const Step &, Part part, T *) override {
        rise(part, taken(0), given_value(0), bias_row());
        return true;
    }
    void spread_tile(const Step &step, int tile, T *) override {
        for (int other = 0; other < tiles(); other++) {
            if (other == tile) continue;
            const Onto<T> onto = tile == begins(other) ? bias_row() : Onto<T>{};
            rise(share(step, other), taken(tile), found(tile, other), onto);
        }
    }
    void forward_tile(const Step &step, int tile, T *) override {
        if (!in_tiles()) {
            const auto [begin, end] = cut(m_, tile, tiles());
            return rise(all(step), taken(0), given_value(0).columns(begin, end), bias_row());
        }
        const Part part = share(step, tile);
        const Piece<T> y = given_value(tile);
        const Piece<T> others = found(begins(tile), tile);
        rise(part, taken(tile), y, Onto<T>{others.at - others.begin, others.ld});
        for (int other = begins(tile) + 1; other < tiles(); other++) {
            const Piece<T> more = found(other, tile);
            if (other != tile)
                layer_kernels<T>().add(more.row(part.begin), more.ld, y.row(part.begin),
                                       y.ld, part.end - part.begin, y.width());
        }
    }

    bool backward(const Step &, Part part, T *) override {
        measure(part.slice, part, taken(0), part, given(0));
        if (this->wanted(0)) descend(part, {input().covector, n_, 0, n_});
        return true;
    }
    void backward_tile(const Step &step, int tile, T *) override {
        const bool whole = this->gives().tiles == 1;
        const auto [begin, end] = cut(step.rows, tile, tiles());
        const Part some{begin, end, tile};
        measure(tile, in_tiles() ? all(step) : some, taken(tile), whole ? some : all(step),
                given(tile));
        if (!this->wanted(0)) return;
        const Piece<T> by_x = input().piece(input().covector, tile, this->wiring_.middle);
        const auto [from, to] = cut(n_, tile, tiles());
        descend(all(step), by_x.columns(from, to));
    }
    // Up, a tile waits for what others find; down, it needs all of g, unless nothing is
    // wanted of it.
    bool apart(bool up) const override {
        return !up && !this->wanted(0) && this->gives().tiles > 1;
    }

    // |sum of k products| <= k max |x| max |g|, with room for what is rounded.
    bool bounded(const Step &step) override {
        double x = 1, g = 0;
        for (auto &[by_x, by_g] : size_) {
            x = std::max(x, by_x);
            g = std::max(g, by_g);
            by_x = by_g = 0;
        }
        const double lines = double(step.rows * this->wiring_.middle);
        return !weight_.add && !bias_.add &&
               lines * x * g < double(std::numeric_limits<T>::max()) / 2;
    }

    // As it lies: rows of x^T g (n, m), or of g^T x (m, n) if turned.
    bool gradient(const Step &step, int tile, T *work, const Descent<T> &descent) override {
        bool finite = true;
        for (int each = 0; bias_.value && each < this->gives().tiles; each++)
            if (this->gives().tiles > 1 ? each == tile : tile == 0)
                finite = bias(step, given(each), work, descent);
        const idx height = turned_ ? m_ : n_;
        const auto [from, to] = cut(height, tile, pieces_);
        const Piece<T> left = (turned_ ? given(0) : taken(tile)).columns(from, to);
        for (idx j = 0; j < width(); j += wide(descent)) {
            const idx end = std::min(width(), j + wide(descent));
            finite &= matrix(step, left, j, end, work, descent);
        }
        return finite;
    }

    void arrange(const Sharing &sharing) override {
        Operation<T>::arrange(sharing);
        const double one = double(this->wiring_.middle * n_ * m_ * sharing.batch);
        pieces_ = in_tiles() || one >= LEAST_TILE ? sharing.tiles : 1;
        size_.assign(size_t(std::max(sharing.slices, sharing.tiles)), {0, 0});
        found_.resize(in_tiles() ? sharing.tiles * sharing.batch * m_ : 0);
    }
    int gradient_tiles() const override { return pieces_; }
    Mode mode(bool) const override {
        return wide_ || in_tiles() ? Mode::tiles : Mode::slices;
    }
    Cut cuts() const override {
        return this->wiring_.middle == 1 && !turned_ ? Cut::either : Cut::never;
    }
    bool spreads() const override { return in_tiles(); }
    bool widen() override { return wide_ = true; }
    double cost() const override {
        return double(this->wiring_.middle) * double(n_) * double(m_) *
               (this->wanted(0) ? 3 : 2);
    }
    idx work(idx) const override { return std::max(NUMBERS, WIDTH * 8) + m_; }
    idx matrix() const override { return n_ * m_; }
    idx parameters() const override { return weight_.size + bias_.size; }

  private:
    using Operation<T>::tiles;
    const Buffer<T> &input() const { return *this->wiring_.takes[0]; }
    bool in_tiles() const { return input().tiles > 1; }
    Part all(const Step &step) const { return {0, step.rows, 0}; }

    // The columns of x and y that are a tile; all, where there are none.
    Piece<T> taken(int tile) const {
        return input().piece(input().value, tile, this->wiring_.middle);
    }
    Piece<T> given_value(int tile) const {
        return this->gives().piece(this->gives().value, tile, this->wiring_.middle);
    }
    Piece<T> given(int tile) const {
        return this->gives().piece(this->gives().covector, tile, this->wiring_.middle);
    }
    // What a tile found for the part of another; and who begins that part.
    Piece<T> found(int tile, int other) {
        return this->gives().piece(found_.data() + tile * this->sharing_.batch * m_, other);
    }
    int begins(int part) const { return part == 0 ? 1 : 0; }
    // The rows of the part of y that is a tile's own.
    Part share(const Step &step, int tile) const {
        if (this->gives().tiles > 1) return all(step);
        const auto [begin, end] = cut(step.rows, tile, tiles());
        return {begin, end, tile};
    }

    idx first_line(Part part) const { return part.begin * this->wiring_.middle; }
    idx width() const { return turned_ ? n_ : m_; }  // of W as it lies
    const T *weight(idx i, idx j) const {
        return weight_.value + (turned_ ? j * n_ + i : i * m_ + j);
    }
    Onto<T> bias_row() const { return {bias_.value, 0}; }

    // Some columns of x W onto what `onto` has from column 0 on, x being a part of x.
    void rise(Part part, Piece<T> x, Piece<T> y, Onto<T> onto) {
        if (!y.width()) return;
        product(false, turned_, this->lines(part), y.width(), x.width(),
                x.row(first_line(part)), x.ld, weight(x.begin, y.begin), width(),
                y.row(first_line(part)), y.ld, onto.from(first_line(part), y.begin));
    }

    // Some columns of g W^T.
    void descend(Part part, Piece<T> by_x) {
        if (!by_x.width()) return;
        T *to = by_x.row(first_line(part));
        Onto<T> onto = this->first(0) ? Onto<T>{} : Onto<T>{to, by_x.ld};
        for (int each = 0; each < this->gives().tiles; each++) {
            const Piece<T> g = given(each);
            if (!g.width()) continue;
            product(false, !turned_, this->lines(part), by_x.width(), g.width(),
                    g.row(first_line(part)), g.ld, weight(by_x.begin, g.begin), width(), to,
                    by_x.ld, onto);
            onto = {to, by_x.ld};
        }
    }

    // Remember how large some of x and g are; they lie without gaps.
    void measure(int place, Part of_x, Piece<T> x, Part of_g, Piece<T> g) {
        const auto largest = [&](Part part, Piece<T> piece) {
            return layer_kernels<T>().largest(piece.row(first_line(part)), 0,
                                              this->lines(part) * piece.width());
        };
        size_[size_t(place)] = {largest(of_x, x), largest(of_g, g)};
    }

    // The sums of the columns of g; whether they are finite.
    bool bias(const Step &step, Piece<T> g, T *work, const Descent<T> &descent) {
        T *own = bias_.gradient + g.begin, *to = descent.stepper ? work : own;
        const idx n = g.width();
        layer_kernels<T>().column_sums(g.at, to, bias_.add, this->lines(all(step)), n);
        if (!descent.stepper) return all_finite(to, n);
        (*descent.stepper)(to, {own - descent.flat, n});
        return true;
    }

    // How many columns of the gradient are taken together.
    idx wide(const Descent<T> &descent) const {
        return descent.stepper ? WIDTH : width();
    }

    // Columns begin .. end - 1 of some rows of the gradient.
    bool matrix(const Step &step, Piece<T> left, idx begin, idx end, T *work,
                const Descent<T> &descent) {
        const idx k = this->lines(all(step)), ld = width(), n = end - begin;
        const idx high = descent.stepper ? std::max(idx(8), NUMBERS / n / 8 * 8) : left.width();
        bool finite = true;
        for (idx i = 0; i < left.width(); i += high) {
            const idx m = std::min(high, left.width() - i);
            T *own = weight_.gradient + (left.begin + i) * ld + begin;
            T *to = descent.stepper ? work : own;
            const Onto<T> onto = weight_.add ? Onto<T>{own, ld} : Onto<T>{};
            const int pieces = turned_ ? 1 : this->gives().tiles;
            for (int each = 0; each < pieces; each++) {
                const Piece<T> right = (turned_ ? taken(0) : given(each)).columns(begin, end);
                const idx at = right.begin - begin;
                if (right.width())
                    product(true, false, m, right.width(), k, left.at + i, left.ld, right.at,
                            right.ld, to + at, n, onto.from(0, at));
            }
            if (descent.stepper)
                (*descent.stepper)(to, {own - descent.flat, n, m, ld});
            else
                finite &= all_finite(to, m * n);
        }
        return finite;
    }

    Weight<T> weight_, bias_;
    idx n_, m_;
    bool turned_, wide_ = false;
    int pieces_ = 1;
    Aligned<T> found_;      // (tiles, batch, m): what each found for the others
    std::vector<std::pair<double, double>> size_;  // of x and g, of each slice or tile
};

}  // namespace

template <class T>
Made<T> make_dense(Wiring<T> wiring, Weight<T> weight, Weight<T> bias, bool turned) {
    return std::make_unique<Dense<T>>(std::move(wiring), weight, bias, turned);
}

template Made<float> make_dense(Wiring<float>, Weight<float>, Weight<float>, bool);
template Made<double> make_dense(Wiring<double>, Weight<double>, Weight<double>, bool);

}  // namespace anymax
