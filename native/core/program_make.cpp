// A program from what Python's lowering says of a plan.

#include <nanobind/nanobind.h>

#include "program_make.h"

#include "arrays.h"
#include "pair_calls.h"
#include "program_python.h"


namespace nb = nanobind;

namespace anymax {
namespace {

// The memory and the length of an array; null and 0 for None.
template <class T> T *memory(nb::handle array) {
    if (array.is_none()) return nullptr;
    return static_cast<T *>(PyArray_DATA(reinterpret_cast<PyArrayObject *>(array.ptr())));
}
idx length(nb::handle array) {
    return array.is_none() ? 0
                           : PyArray_SIZE(reinterpret_cast<PyArrayObject *>(array.ptr()));
}

template <class N> std::vector<N> whole(nb::handle numbers) {
    std::vector<N> found;
    for (nb::handle each : numbers) found.push_back(N(PyLong_AsLongLong(each.ptr())));
    return found;
}

Numbers numbers_of(nb::handle given) {
    Numbers numbers;
    int i = 0;
    for (nb::handle each : given)
        if (i < 8) numbers.v[i++] = PyFloat_AsDouble(each.ptr());
    return numbers;
}

// One operation as Python says it: a tuple in this order.
enum Said { KIND, TAKES, GIVES, FIRST, MIDDLE, WEIGHTS, NUMBERS, WHOLE, STATE, HAND };

template <class T> class Maker {
  public:
    Maker(Program<T> &program, nb::handle said)
        : program_(program), said_(said), numbers_(numbers_of(at(NUMBERS))),
          whole_(whole<int64_t>(at(WHOLE))) {
        for (int i : whole<int>(at(TAKES)))
            wiring_.takes.push_back(&program.buffers[size_t(i)]);
        wiring_.gives = &program.buffers[size_t(nb::cast<int>(at(GIVES)))];
        for (int first : whole<int>(at(FIRST))) wiring_.first.push_back(first != 0);
        wiring_.middle = nb::cast<idx>(at(MIDDLE));
    }

    Made<T> made() {
        const std::string kind = nb::cast<const char *>(at(KIND));
        const idx batch = program_.batch;
        if (kind == "NumPy") return make_python<T>(wiring_, at(HAND).ptr());
        if (kind == "Dense")
            return make_dense<T>(wiring_, weight(0), weight(1), whole_[0] != 0);
        if (kind == "Copy") return make_copy<T>(wiring_);
        if (kind == "Add") return make_add<T>(wiring_);
        if (kind == "Multiply") return make_multiply<T>(wiring_);
        if (kind == "Join") return make_join<T>(wiring_);
        if (kind == "Columns") return make_columns<T>(wiring_, whole_);
        if (kind == "Norm")
            return make_norm<T>(batch, wiring_, whole_[0] != 0, numbers_.v[0], weight(0),
                                weight(1));
        if (kind == "BatchNorm")
            return make_batch_norm<T>(batch, wiring_, numbers_.v[0], numbers_.v[1],
                                      weight(0), weight(1), memory<T>(at(STATE)[0]),
                                      memory<T>(at(STATE)[1]));
        if (kind == "HeldNorm")
            return make_held_norm<T>(wiring_, numbers_.v[0], weight(0), weight(1),
                                     memory<T>(at(STATE)[0]), memory<T>(at(STATE)[1]));
        if (kind == "Dropout")
            return make_dropout<T>(batch, wiring_, numbers_.v[0], uint64_t(whole_[0]));
        if (kind == "GaussianNoise")
            return make_gaussian<T>(batch, wiring_, numbers_.v[0], uint64_t(whole_[0]));
        if (kind == "Embedding")
            return make_embedding<T>(batch, wiring_, weight(0), idx(whole_[0]));
        return make_map<T>(wiring_, find_map<T>(kind), numbers_);
    }

  private:
    nb::object at(int i) const { return said_[i]; }

    // Parameter i of WEIGHTS, each (value, gradient, add) or None.
    Weight<T> weight(int i) const {
        nb::object given = at(WEIGHTS)[i];
        if (given.is_none()) return {};
        return {memory<T>(given[0]), memory<T>(given[1]), length(given[0]),
                nb::cast<bool>(given[2])};
    }

    Program<T> &program_;
    nb::handle said_;
    Wiring<T> wiring_;
    Numbers numbers_;
    std::vector<int64_t> whole_;
};

template <class T> std::unique_ptr<Program<T>> make(nb::dict said) {
    auto program = std::make_unique<Program<T>>();
    program->batch = nb::cast<idx>(said["batch"]);
    for (nb::handle each : said["buffers"])
        program->buffers.push_back({memory<T>(each[0]), memory<T>(each[1]),
                                    length(each[0]) / program->batch,
                                    nb::cast<bool>(each[2]), program->batch});
    program->inputs = whole<int>(said["inputs"]);
    program->logits = nb::cast<int>(said["logits"]);
    program->width = nb::cast<idx>(said["width"]);
    program->lines = program->buffers[size_t(program->logits)].n / program->width;
    program->silences = nb::cast<bool>(said["silences"]);
    program->scattered = nb::cast<bool>(said["scattered"]);
    program->seed = nb::cast<uint64_t>(said["seed"]);
    for (nb::handle each : said["unwritten"])
        program->unwritten.push_back({nb::cast<idx>(each[0]), nb::cast<idx>(each[1])});
    for (nb::handle each : said["rounds"])
        program->rounds.push_back(whole<int>(each));
    for (nb::handle each : said["operations"])
        program->operations.push_back(Maker<T>(*program, each).made());
    Learning<T> &learning = program->learning;
    learning.parameters = memory<T>(said["parameters"]);
    learning.gradient = memory<T>(said["gradient"]);
    learning.size = length(said["parameters"]);
    learning.decays = memory<bool>(said["decays"]);
    learning.frozen = memory<bool>(said["frozen"]);
    learning.l1 = nb::cast<double>(said["l1"]);
    learning.l2 = nb::cast<double>(said["l2"]);
    // a network that only predicts has no pair
    if (said.contains("pair") && !said["pair"].is_none())
        program->pair = pair_of<T>(said["pair"].ptr());
    if (program->pair && !program->pair->fits(program->width)) program->pair = nullptr;
    return program;
}

void let_go(void *capsule) noexcept {
    auto *holder = static_cast<Holder *>(capsule);
    Py_XDECREF(holder->said);
    delete holder;
}

nb::capsule program_make(nb::dict said) {
    auto holder = std::make_unique<Holder>();
    if (nb::cast<bool>(said["double"]))
        holder->twice = make<double>(said);
    else
        holder->single = make<float>(said);
    holder->said = Py_NewRef(said.ptr());
    return nb::capsule(holder.release(), HOLDER, let_go);
}

template <class T> bool knows(const std::string &kind) {
    const LayerKernels<T> &own = layer_kernels<T>();
    if (kind == "Program") return own.take && own.add && own.largest;
    if (kind == "Dense" || kind == "Copy" || kind == "Add") return true;
    if (kind == "Multiply") return own.multiply;
    if (kind == "Join") return own.copy;
    if (kind == "Columns") return own.columns && own.columns_vjp;
    if (kind == "Norm") return own.norm && own.norm_vjp;
    if (kind == "BatchNorm") return own.batch_norm && own.batch_norm_vjp && own.move;
    if (kind == "HeldNorm") return own.held_norm;
    if (kind == "Dropout") return own.dropout && own.dropout_vjp;
    if (kind == "GaussianNoise") return own.gaussian;
    if (kind == "Embedding") return own.embed && own.embed_vjp;
    const MapKernel<T> *map = find_map<T>(kind);
    return map && map->forward && map->vjp;
}

}  // namespace

void add_program(nb::module_ &m) {
    m.def("program_make", program_make);
    m.def("program_knows", [](const char *kind, bool twice) {
        return twice ? knows<double>(kind) : knows<float>(kind);
    });
    m.def("program_optimizes", [](const char *name) {
        return find_optimizer<float>(name) && find_optimizer<double>(name);
    });
    m.def("program_says", [](nb::capsule capsule) {
        auto *holder = static_cast<Holder *>(PyCapsule_GetPointer(capsule.ptr(), HOLDER));
        const auto said = holder->single ? holder->single->described()
                                         : holder->twice->described();
        nb::list found;
        for (const std::string &each : said) found.append(each.c_str());
        return found;
    });
}

}  // namespace anymax
