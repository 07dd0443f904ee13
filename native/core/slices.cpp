#include "slices.h"

#include <cstdlib>
#include <unistd.h>

namespace anymax {
namespace {

// One for each thread; given back when the thread ends.
struct Scratch {
    void *memory = nullptr;
    size_t size = 0;
    ~Scratch() { std::free(memory); }
};

size_t cache(int name) {
    const long bytes = sysconf(name);
    return bytes > 0 ? size_t(bytes) : 0;
}

// What the caches hold of an output that is read again: half of the last level, which is
// shared with the inputs, as far as it can be known.
size_t capacity() {
#if defined(_SC_LEVEL3_CACHE_SIZE)
    constexpr size_t MOST = size_t(16) << 20;  // what one program gets of a large one
    const size_t second = cache(_SC_LEVEL2_CACHE_SIZE);
    const size_t third = cache(_SC_LEVEL3_CACHE_SIZE);
    const size_t found = std::max(second, std::min(third / 2, MOST));
    if (found) return found;
#endif
    return size_t(8) << 20;
}

}  // namespace

void *scratch_memory(size_t bytes) {
    thread_local Scratch own;
    if (own.size < bytes) {
        std::free(own.memory);
        own.size = (bytes + 4095) / 4096 * 4096;
        own.memory = std::aligned_alloc(64, own.size);
        if (!own.memory) std::abort();
    }
    return own.memory;
}

bool past_caches(size_t bytes) {
    static const size_t enough = capacity();
    return bytes > enough;
}

}  // namespace anymax
