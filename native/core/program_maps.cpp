// Operations without parameters: activations, noise, and how values join.

#include <cstring>

#include "program_operations.h"

namespace anymax {
namespace {

template <class T> idx aligned(idx n) { return (n + 63) / 64 * 64; }

template <class T> class MapOperation final : public Operation<T> {
  public:
    MapOperation(Wiring<T> wiring, const MapKernel<T> *kernel, Numbers numbers)
        : Operation<T>(std::move(wiring)), kernel_(kernel), numbers_(numbers),
          n_(this->wiring_.gives->n / this->wiring_.middle) {}

    bool forward(const Step &, Part part, T *work) override {
        kernel_->forward(numbers_, this->value(0, part), this->output(part), work,
                         this->lines(part), n_);
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        if (!this->wanted(0)) return true;
        T *scratch_rows = work + aligned<T>(scratch(n_));
        kernel_->vjp(numbers_, this->value(0, part), this->output(part),
                     this->covector(part), this->below(0, part, scratch_rows), work,
                     this->lines(part), n_);
        this->settle(0, part, scratch_rows);
        return true;
    }
    void forward_tile(const Step &step, int tile, T *work) override {
        const Piece<T> z = taken(tile), a = given(tile);
        kernel_->forward(numbers_, z.at, a.at, work, step.rows, a.width());
    }
    void backward_tile(const Step &step, int tile, T *work) override {
        if (!this->wanted(0)) return;
        const Buffer<T> &below = *this->wiring_.takes[0], &above = this->gives();
        const Piece<T> z = taken(tile), a = given(tile);
        kernel_->vjp(numbers_, z.at, a.at, above.piece(above.covector, tile).at,
                     below.piece(below.covector, tile).at, work, step.rows, a.width());
    }
    bool apart(bool) const override { return true; }
    Mode mode(bool) const override {
        return this->gives().tiles > 1 ? Mode::tiles : Mode::slices;
    }
    Cut cuts() const override {
        const bool plain = !kernel_->row && this->wiring_.middle == 1 && this->first(0);
        return plain ? Cut::alike : Cut::never;
    }
    idx work(idx rows) const override {
        return aligned<T>(scratch(n_)) + rows * this->wiring_.gives->n;
    }

  private:
    Piece<T> taken(int tile) const {
        const Buffer<T> &x = *this->wiring_.takes[0];
        return x.piece(x.value, tile);
    }
    Piece<T> given(int tile) const {
        return this->gives().piece(this->gives().value, tile);
    }

    const MapKernel<T> *kernel_;
    Numbers numbers_;
    idx n_;
};

// The same numbers.
template <class T> class Copy final : public Operation<T> {
  public:
    using Operation<T>::Operation;
    bool forward(const Step &, Part part, T *) override {
        std::memcpy(this->output(part), this->value(0, part), bytes(part));
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        if (!this->wanted(0)) return true;
        std::memcpy(this->below(0, part, work), this->covector(part), bytes(part));
        this->settle(0, part, work);
        return true;
    }
    idx work(idx rows) const override { return rows * this->wiring_.gives->n; }

  private:
    size_t bytes(Part part) const {
        return size_t((part.end - part.begin) * this->gives().n) * sizeof(T);
    }
};

// y = x_1 + x_2 + ...
template <class T> class Add final : public Operation<T> {
  public:
    using Operation<T>::Operation;
    bool forward(const Step &, Part part, T *) override {
        const idx count = numbers(part);
        T *y = this->output(part);
        for (size_t i = 0; i < this->wiring_.takes.size(); i++) {
            const T *x = this->value(int(i), part);
            if (i == 0)
                std::memcpy(y, x, size_t(count) * sizeof(T));
            else
                layer_kernels<T>().add(x, count, y, count, 1, count);
        }
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        const idx count = numbers(part);
        for (int i = 0; i < int(this->wiring_.takes.size()); i++) {
            if (!this->wanted(i)) continue;
            const T *g = this->covector(part);
            T *to = this->below(i, part, work);
            std::memcpy(to, g, size_t(count) * sizeof(T));
            this->settle(i, part, work);
        }
        return true;
    }
    idx work(idx rows) const override { return rows * this->wiring_.gives->n; }

  private:
    idx numbers(Part part) const { return (part.end - part.begin) * this->gives().n; }
};

// y = x_1 * x_2
template <class T> class Multiply final : public Operation<T> {
  public:
    using Operation<T>::Operation;
    bool forward(const Step &, Part part, T *) override {
        layer_kernels<T>().multiply(this->value(0, part), this->value(1, part),
                                    this->output(part), false, numbers(part));
        return true;
    }
    bool backward(const Step &, Part part, T *) override {
        for (int i = 0; i < 2; i++) {
            if (!this->wanted(i)) continue;
            const Buffer<T> &x = *this->wiring_.takes[size_t(i)];
            layer_kernels<T>().multiply(this->covector(part), this->value(1 - i, part),
                                        x.covector + part.begin * x.n, !this->first(i),
                                        numbers(part));
        }
        return true;
    }
    idx work(idx) const override { return 0; }

  private:
    idx numbers(Part part) const { return (part.end - part.begin) * this->gives().n; }
};

// y = x_1, x_2, ... side by side on the last axis
template <class T> class Join final : public Operation<T> {
  public:
    using Operation<T>::Operation;
    bool forward(const Step &, Part part, T *) override {
        each(part, [&](int i, idx at, idx n, idx wide) {
            layer_kernels<T>().copy(this->value(i, part), n, this->output(part) + at, wide,
                                    this->lines(part), n);
        });
        return true;
    }
    bool backward(const Step &, Part part, T *) override {
        each(part, [&](int i, idx at, idx n, idx wide) {
            if (!this->wanted(i)) return;
            const Buffer<T> &x = *this->wiring_.takes[size_t(i)];
            const auto move = this->first(i) ? layer_kernels<T>().copy
                                             : layer_kernels<T>().add;
            move(this->covector(part) + at, wide, x.covector + part.begin * x.n, n,
                 this->lines(part), n);
        });
        return true;
    }
    idx work(idx) const override { return 0; }

  private:
    template <class Body> void each(Part, Body body) const {
        const idx middle = this->wiring_.middle, wide = this->gives().n / middle;
        idx at = 0;
        for (size_t i = 0; i < this->wiring_.takes.size(); i++) {
            const idx n = this->wiring_.takes[i]->n / middle;
            body(int(i), at, n, wide);
            at += n;
        }
    }
};

// y_i = x_c(i)
template <class T> class Columns final : public Operation<T> {
  public:
    Columns(Wiring<T> wiring, std::vector<int64_t> columns)
        : Operation<T>(std::move(wiring)), columns_(std::move(columns)),
          n_(this->wiring_.takes[0]->n / this->wiring_.middle) {}

    bool forward(const Step &, Part part, T *) override {
        layer_kernels<T>().columns(this->value(0, part), columns_.data(),
                                   this->output(part), this->lines(part), n_,
                                   idx(columns_.size()));
        return true;
    }
    bool backward(const Step &, Part part, T *work) override {
        if (!this->wanted(0)) return true;
        layer_kernels<T>().columns_vjp(this->covector(part), columns_.data(),
                                       this->below(0, part, work), this->lines(part), n_,
                                       idx(columns_.size()));
        this->settle(0, part, work);
        return true;
    }
    idx work(idx rows) const override { return rows * this->wiring_.takes[0]->n; }

  private:
    std::vector<int64_t> columns_;
    idx n_;
};

}  // namespace

template <class T>
Made<T> make_map(Wiring<T> wiring, const MapKernel<T> *kernel, Numbers numbers) {
    return std::make_unique<MapOperation<T>>(std::move(wiring), kernel, numbers);
}
template <class T> Made<T> make_copy(Wiring<T> wiring) {
    return std::make_unique<Copy<T>>(std::move(wiring));
}
template <class T> Made<T> make_add(Wiring<T> wiring) {
    return std::make_unique<Add<T>>(std::move(wiring));
}
template <class T> Made<T> make_multiply(Wiring<T> wiring) {
    return std::make_unique<Multiply<T>>(std::move(wiring));
}
template <class T> Made<T> make_join(Wiring<T> wiring) {
    return std::make_unique<Join<T>>(std::move(wiring));
}
template <class T>
Made<T> make_columns(Wiring<T> wiring, std::vector<int64_t> columns) {
    return std::make_unique<Columns<T>>(std::move(wiring), std::move(columns));
}

#define INSTANTIATE(T)                                                          \
    template Made<T> make_map(Wiring<T>, const MapKernel<T> *, Numbers);        \
    template Made<T> make_copy(Wiring<T>);                                      \
    template Made<T> make_add(Wiring<T>);                                       \
    template Made<T> make_multiply(Wiring<T>);                                  \
    template Made<T> make_join(Wiring<T>);                                      \
    template Made<T> make_columns(Wiring<T>, std::vector<int64_t>);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace anymax
