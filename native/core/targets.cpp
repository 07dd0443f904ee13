#include "targets.h"

#include <stdexcept>

namespace anymax {

// What each target exports, by its name.
#define FAMILIES(name)                                    \
    extern "C" const MapFamily elements_##name;           \
    extern "C" const MapFamily soft_##name;               \
    extern "C" const MapFamily sparse_##name;             \
    extern "C" const MapFamily structures_##name;         \
    extern "C" const MapFamily separable_##name;          \
    extern "C" const MapFamily units_##name;              \
    extern "C" const MathFamily math_##name;              \
    extern "C" const OptimizerFamily optimizers_##name;   \
    extern "C" const LayerFamily layers_##name;           \
    extern "C" const ProductFamily products_##name;       \
    extern "C" const LossFamily losses_##name;            \
    extern "C" const JointFamily joints_##name;           \
    extern "C" const MeetingFamily meetings_##name;
#define ENTRY(name, fits)                                                           \
    {#name, fits, &elements_##name, &soft_##name, &sparse_##name,                   \
     &structures_##name, &separable_##name, &units_##name, &math_##name,            \
     &optimizers_##name, &layers_##name, &products_##name, &losses_##name,          \
     &joints_##name, &meetings_##name}

#ifdef ANYMAX_HAS_scalar
FAMILIES(scalar)
#endif
#ifdef ANYMAX_HAS_avx2
FAMILIES(avx2)
#endif
#ifdef ANYMAX_HAS_avx512
FAMILIES(avx512)
#endif
#ifdef ANYMAX_HAS_neon
FAMILIES(neon)
#endif

namespace {

[[maybe_unused]] bool always() { return true; }

#if defined(__x86_64__)
bool has_avx2() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
}

bool has_avx512() {
    __builtin_cpu_init();
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
}
#endif

const Target compiled[] = {
#ifdef ANYMAX_HAS_scalar
    ENTRY(scalar, always),
#endif
#ifdef ANYMAX_HAS_neon
    ENTRY(neon, always),
#endif
#ifdef ANYMAX_HAS_avx2
    ENTRY(avx2, has_avx2),
#endif
#ifdef ANYMAX_HAS_avx512
    ENTRY(avx512, has_avx512),
#endif
};

const Target *best() {
    const Target *found = nullptr;
    for (const Target &each : compiled)
        if (each.fits()) found = &each;
    return found;
}

const Target *chosen = best();

template <class T>
const MapKernel<T> *find_in(const MapFamily &family, const std::string &name) {
    const Maps<T> &maps = family.of(T());
    for (int i = 0; i < maps.count; i++)
        if (name == maps.begin[i].name) return &maps.begin[i];
    return nullptr;
}

}  // namespace

const Target &target() { return *chosen; }

std::vector<std::string> fitting() {
    std::vector<std::string> names;
    for (const Target &each : compiled)
        if (each.fits()) names.push_back(each.name);
    return names;
}

void choose(const std::string &name) {
    for (const Target &each : compiled) {
        if (name != each.name || !each.fits()) continue;
        chosen = &each;
        return;
    }
    std::string known;
    for (const std::string &each : fitting()) known += (known.empty() ? "" : ", ") + each;
    throw std::invalid_argument("ANYMAX_TARGET needs one of " + known +
                                " on this processor; got " + name +
                                ". Leave it unset for the best.");
}

template <class T> const MapKernel<T> *find_map(const std::string &name) {
    const Target &of = target();
    for (const MapFamily *family : {of.elements, of.soft, of.sparse, of.structures,
                                    of.separable, of.units})
        if (const MapKernel<T> *found = find_in<T>(*family, name)) return found;
    return nullptr;
}

template <class T> const OptimizerKernel<T> *find_optimizer(const std::string &name) {
    const Optimizers<T> &all = target().optimizers->of(T());
    for (int i = 0; i < all.count; i++)
        if (name == all.begin[i].name) return &all.begin[i];
    return nullptr;
}

template const OptimizerKernel<float> *find_optimizer<float>(const std::string &);
template const OptimizerKernel<double> *find_optimizer<double>(const std::string &);

template <class T> const LossKernel<T> *find_loss(const std::string &name) {
    const Losses<T> &all = target().losses->of(T());
    for (int i = 0; i < all.count; i++)
        if (name == all.begin[i].name) return &all.begin[i];
    return nullptr;
}

template <class T>
const JointKernel<T> *find_joint(const std::string &map, const std::string &loss) {
    const Joints<T> &all = target().joints->of(T());
    for (int i = 0; i < all.count; i++)
        if (map == all.begin[i].map && loss == all.begin[i].loss) return &all.begin[i];
    return nullptr;
}

template const LossKernel<float> *find_loss<float>(const std::string &);
template const LossKernel<double> *find_loss<double>(const std::string &);
template const JointKernel<float> *find_joint<float>(const std::string &,
                                                     const std::string &);
template const JointKernel<double> *find_joint<double>(const std::string &,
                                                       const std::string &);

template const MapKernel<float> *find_map<float>(const std::string &);
template const MapKernel<double> *find_map<double>(const std::string &);

}  // namespace anymax
