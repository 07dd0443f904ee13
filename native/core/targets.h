// The instruction sets there are kernels for, and the one that was chosen at import.

#pragma once

#include <string>
#include <vector>

#include "abi.h"
#include "layers.h"
#include "losses.h"

namespace anymax {

// One instruction set and its families of kernels. A new family is one more line here
// and in FAMILIES of targets.cpp.
struct Target {
    const char *name;
    bool (*fits)();  // whether this processor has it
    const MapFamily *elements;
    const MapFamily *soft;
    const MapFamily *sparse;
    const MapFamily *structures;
    const MapFamily *separable;
    const MapFamily *units;
    const MathFamily *math;
    const OptimizerFamily *optimizers;
    const LayerFamily *layers;
    const ProductFamily *products;
    const LossFamily *losses;
    const JointFamily *joints;
    const MeetingFamily *meetings;
};

// The target in use; the best that fits unless `choose` took another.
const Target &target();

// Take the target of this name; throws std::invalid_argument with a sentence if it was
// not compiled or the processor does not have it.
void choose(const std::string &name);

// The names of those compiled that this processor has, the best last.
std::vector<std::string> fitting();

// The kernel of an activation for a number type, or null.
template <class T> const MapKernel<T> *find_map(const std::string &name);

// The kernel of an optimizer for a number type, or null.
template <class T> const OptimizerKernel<T> *find_optimizer(const std::string &name);

// The kernel of a loss, and of a map and a loss in one, or null.
template <class T> const LossKernel<T> *find_loss(const std::string &name);
template <class T>
const JointKernel<T> *find_joint(const std::string &map, const std::string &loss);

}  // namespace anymax
