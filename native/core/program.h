// A plan as one native object: operations on bound buffers, stepped without Python.

#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "abi.h"
#include "pairs.h"
#include "program_buffers.h"
#include "targets.h"

namespace anymax {

template <class T> const LayerKernels<T> &layer_kernels() {
    return target().layers->of(T());
}

// Whether the n numbers of g are finite.
template <class T> bool all_finite(const T *g, idx n) {
    return layer_kernels<T>().largest(g, 0, n) < std::numeric_limits<double>::infinity();
}

// One step: its rows, and where its noise is drawn.
struct Step {
    idx rows;
    uint64_t seed, number;
};

// Rows begin .. end - 1 of a batch: the slice of this number.
struct Part {
    idx begin, end;
    int slice;
};

// What an operation takes and gives; a row of a buffer is `middle` lines for it. Where
// `first` holds it is the first, going down, to write the covector of that input.
template <class T> struct Wiring {
    std::vector<Buffer<T> *> takes;
    Buffer<T> *gives;
    std::vector<bool> first;
    idx middle;
};

// A parameter with its gradient, which is added to if others have written it before.
template <class T> struct Weight {
    const T *value = nullptr;
    T *gradient = nullptr;
    idx size = 0;
    bool add = false;
};

// How rows and matrices are shared out among threads.
struct Sharing {
    idx batch, slice_rows;
    int slices, tiles;
};

// How an operation passes: slice by slice; in tiles of columns over all rows; or all
// rows at once on the thread that called.
enum class Mode { slices, tiles, alone };

// Whether what an operation takes and gives may lie in tiles: neither; what it gives if
// what it takes does; or both alike, each tile from the one above it.
enum class Cut { never, either, alike };

// An optimizer's step over some entries of the flat vectors, given their gradient.
template <class T> struct Stepper {
    const OptimizerKernel<T> *kernel;
    const Numbers *numbers;
    Update<T> update;
    void operator()(const T *gradient, Span span) const {
        Update<T> own = update;
        own.gradient = gradient;
        kernel->step(*numbers, own, span);
    }
};

// Where the gradient of a matrix goes: into a flat vector; or through a step at once, by
// blocks that do not leave the cache, since that is known to be finite.
template <class T> struct Descent {
    T *flat;
    const Stepper<T> *stepper;  // null: into the flat vector
};

// One map of a plan. All rows of a step go up, then down, then the gradients are taken.
template <class T> class Operation {
  public:
    explicit Operation(Wiring<T> wiring) : wiring_(std::move(wiring)) {}
    virtual ~Operation() = default;

    // Write the outputs of some rows; false if NumPy has to say what is wrong with them.
    virtual bool forward(const Step &step, Part part, T *work) = 0;
    // Write, or add, what comes down to the inputs.
    virtual bool backward(const Step &step, Part part, T *work) = 0;

    // The same over all rows, one tile of `tiles()`; for Mode::tiles.
    virtual void forward_tile(const Step &, int, T *) {}
    virtual void backward_tile(const Step &, int, T *) {}
    // What a tile finds for the others, before they go up; where `spreads`.
    virtual void spread_tile(const Step &, int, T *) {}
    virtual bool spreads() const { return false; }
    // Whether a tile reads only what the same thread wrote, going up or down.
    virtual bool apart(bool) const { return false; }
    // The gradients by the parameters over all rows, one tile of `gradient_tiles()`;
    // whether all of it is finite.
    virtual bool gradient(const Step &, int, T *, const Descent<T> &) { return true; }
    // Whether the gradients are sure to be finite by the sizes of what they are made of,
    // and may go through a step one by one.
    virtual bool bounded(const Step &) { return false; }

    // Before the first step.
    virtual void arrange(const Sharing &sharing) { sharing_ = sharing; }
    virtual int gradient_tiles() const { return 0; }
    // After a step whose numbers are finite: keep the state that it proposed.
    // False if an error is set.
    virtual bool keep(const Step &) { return true; }

    virtual Mode mode(bool) const { return Mode::slices; }  // going up, or down
    virtual Cut cuts() const { return Cut::never; }
    virtual bool native() const { return true; }
    // Whether it may choose Mode::tiles, and does from now on.
    virtual bool widen() { return false; }
    // Multiplications of one row, up and down, and how many scratch numbers it needs.
    virtual double cost() const { return 4.0 * double(wiring_.gives->n); }
    virtual idx work(idx rows) const;
    // How many numbers the largest of its matrices has, and all its parameters.
    virtual idx matrix() const { return 0; }
    virtual idx parameters() const { return 0; }

    int tiles() const { return sharing_.tiles; }
    const Wiring<T> &wiring() const { return wiring_; }

  protected:
    idx lines(Part part) const { return (part.end - part.begin) * wiring_.middle; }
    const T *value(int input, Part part) const {
        const Buffer<T> &x = *wiring_.takes[size_t(input)];
        return x.value + part.begin * x.n;
    }
    const Buffer<T> &gives() const { return *wiring_.gives; }
    T *output(Part part) const { return gives().value + part.begin * gives().n; }
    const T *covector(Part part) const { return gives().covector + part.begin * gives().n; }
    bool wanted(int input) const { return wiring_.takes[size_t(input)]->wanted; }
    bool first(int input) const { return wiring_.first[size_t(input)]; }
    // Where what comes down to an input goes: its covector, or scratch to be added.
    T *below(int input, Part part, T *work) const {
        const Buffer<T> &x = *wiring_.takes[size_t(input)];
        return first(input) ? x.covector + part.begin * x.n : work;
    }
    // Add what `below` put into scratch.
    void settle(int input, Part part, const T *work) const;

    Wiring<T> wiring_;
    Sharing sharing_{1, 1, 1, 1};
};

// What the pair and the optimizer do for a program, and who asks whether to stop;
// NumPy's side of it holds the interpreter's lock.
class Outside {
  public:
    virtual ~Outside() = default;
    // The pair by NumPy: the loss of the step, its covector written. False: an error.
    virtual bool meet(const Step &step, double &loss) = 0;
    // The optimizer by NumPy. False: an error.
    virtual bool update() = 0;
    // Answer signals that came; false if one raised an error.
    virtual bool attend() = 0;
};

// The rows of an epoch and what they are to give. `lines` of the logits a row.
template <class T> struct Lesson {
    std::vector<const T *> inputs;
    Targets<T> targets;
    const T *scale = nullptr;  // what a line is multiplied by, before the mean; null: 1
    const T *count = nullptr;  // what it counts for besides; null: 1
    const int64_t *order = nullptr;  // null: as they stand
    idx rows = 0;
    const double *rates = nullptr;  // of each step
    double *losses = nullptr, *counted = nullptr;
    std::atomic<int64_t> *done = nullptr;        // steps taken so far, some before
    const std::atomic<uint8_t> *stop = nullptr;  // set by others to stop between steps
};

// Penalties, bounds and the optimizer of a program.
template <class T> struct Learning {
    T *parameters, *gradient;
    idx size;
    const bool *decays, *frozen;  // frozen: null for none
    double l1 = 0, l2 = 0;
    double clip_norm = 0, clip_value = 0, decay = 0, average = 0;  // 0: none
    bool averages = false;
    const OptimizerKernel<T> *kernel = nullptr;  // null: by NumPy
    Numbers numbers;
    T *moments[3] = {}, *averaged = nullptr;
};

enum class Outcome { done, stopped, declined, failed };

template <class T> class Program {
  public:
    std::vector<Buffer<T>> buffers;
    std::vector<int> inputs;
    int logits = 0;
    idx lines = 1, width = 1;  // of the logits, of one row
    idx batch = 1;
    bool silences = true;  // whether rows that count nowhere become 0
    bool scattered = false;  // whether NumPy, or nobody, writes parts of the gradient
    std::vector<std::pair<idx, idx>> unwritten;  // parts that must start at 0
    uint64_t seed = 0;
    std::vector<std::unique_ptr<Operation<T>>> operations;
    std::vector<std::vector<int>> rounds;  // whose gradients may be taken at once
    const PairKernel<T> *pair = nullptr;   // null: by NumPy
    Learning<T> learning;

    // Fix slices, tiles and the order of all jobs for so many threads.
    void arrange(int count);
    // All steps of an epoch, the first being that of this number.
    Outcome epoch(const Lesson<T> &lesson, int64_t steps_before, Outside &outside);
    // What it decided, in words: how each operation runs, and the pair; how many slices,
    // of how many rows, on how many threads.
    std::vector<std::string> described();

  private:
    enum class Deed { gather, spread, forward, meet, backward };
    struct Action {
        Deed deed;
        Operation<T> *operation;
        Mode mode;
        bool joined;  // may follow the one before without waiting for other threads
    };

    bool step(const Lesson<T> &lesson, idx begin, Step step, double rate,
              Outside &outside, double &loss, double &counted);
    bool cut_columns(int tiles);
    void list_actions();
    void run_slices(const Lesson<T> &, const Step &, size_t from, size_t to);
    void run_tiles(const Lesson<T> &, const Step &, size_t from, size_t to);
    bool perform(const Lesson<T> &, const Action &, const Step &, Part);
    Part part(const Step &step, int slice) const;
    void gather_tile(const Lesson<T> &lesson, const Step &step, int tile);
    void gather_input(const Lesson<T> &lesson, size_t input, Part part, int tile);
    void gather_targets(const Lesson<T> &lesson, Part part);
    double weigh(const Lesson<T> &lesson, idx begin, idx rows);
    void meet(Part part);
    bool bounded(const Step &step);
    bool gradients(const Step &step, const Stepper<T> *stepper);
    bool check(double &penalty);
    Stepper<T> stepper(const Step &step, double rate) const;
    bool update(Stepper<T> stepper, Outside &outside);
    std::pair<idx, idx> chunk(int number) const;
    idx at(const Lesson<T> &lesson, idx row) const {
        return lesson.order ? lesson.order[begin_ + row] : begin_ + row;
    }

    std::vector<Action> actions_;
    bool joins_ = false;  // whether all parameters are those of operations that say so
    int threads_ = 0, used_ = 1, slices_ = 1, chunks_ = 1;  // used: by a step
    idx slice_rows_ = 1, work_ = 0, begin_ = 0;
    double scale_ = 1;                   // of the gradient, by its length
    std::vector<T> weights_, values_;    // of each line in this step: scale, loss
    std::vector<T> aims_;                // gathered targets
    std::vector<int64_t> indices_;
    std::vector<double> partial_;        // of each chunk
    std::atomic<bool> trouble_{false};   // a row that NumPy has to look at
};

// So many numbers of scratch memory of this thread, aligned to 64 bytes.
template <class T> T *scratch_memory(idx n);

}  // namespace anymax
