#include "blocks.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "arrays.h"

namespace anymax {
namespace {

// Bytes from which blocks are kept. What is freed at the end of its heap glibc gives back
// to the system from as many on, so that each call may meet new pages.
constexpr size_t LARGE = size_t(1) << 17;
constexpr size_t HUGE = size_t(2) << 20;  // the system's huge pages
constexpr size_t MOST = size_t(1) << 30;  // bytes kept at most, or
constexpr size_t SHARE = 4;               // this part of the machine's memory,
constexpr size_t MANY = 256;              // and so many blocks

struct Block {
    void *memory;
    size_t size;
};

// Blocks of freed arrays, the oldest first.
class Blocks {
  public:
    Blocks() {
        const size_t pages = size_t(std::max(0l, sysconf(_SC_PHYS_PAGES)));
        most_ = std::min(MOST, pages * size_t(sysconf(_SC_PAGESIZE)) / SHARE);
    }

    void *take(size_t size) {
        if (void *found = find(size)) return found;
        const size_t align = size < 2 * HUGE ? 4096 : HUGE;
        void *memory = nullptr;
        if (posix_memalign(&memory, align, size)) return nullptr;
#if defined(MADV_HUGEPAGE)
        if (align == HUGE) madvise(memory, size / HUGE * HUGE, MADV_HUGEPAGE);
#endif
        return memory;
    }

    // Keep a block, and let go of the oldest while there is too much.
    void keep(void *memory, size_t size) {
        if (size > most_) return free(memory);
        std::deque<Block> old;
        {
            const std::lock_guard<std::mutex> guard(lock);
            blocks_.push_back({memory, size});
            total_ += size;
            for (; total_ > most_ || blocks_.size() > MANY; blocks_.pop_front()) {
                total_ -= blocks_.front().size;
                old.push_back(blocks_.front());
            }
        }
        for (const Block &each : old) free(each.memory);
    }

    void clear() {
        std::deque<Block> old;
        {
            const std::lock_guard<std::mutex> guard(lock);
            old.swap(blocks_);
            total_ = 0;
        }
        for (const Block &each : old) free(each.memory);
#if defined(__GLIBC__)
        malloc_trim(0);
#endif
    }

    size_t total() {
        const std::lock_guard<std::mutex> guard(lock);
        return total_;
    }

    std::mutex lock;

  private:
    // The block of this size that was freed last, its memory being warmest.
    void *find(size_t size) {
        const std::lock_guard<std::mutex> guard(lock);
        for (auto each = blocks_.rbegin(); each != blocks_.rend(); ++each) {
            if (each->size != size) continue;
            void *memory = each->memory;
            blocks_.erase(std::next(each).base());
            total_ -= size;
            return memory;
        }
        return nullptr;
    }

    std::deque<Block> blocks_;
    size_t total_ = 0, most_;
};

// Made once and never destroyed: arrays may outlive everything else. A fork waits until
// no thread is inside.
Blocks &blocks() {
    static Blocks *const made = [] {
        static Blocks *pool = new Blocks;
        pthread_atfork([] { pool->lock.lock(); }, [] { pool->lock.unlock(); },
                       [] { pool->lock.unlock(); });
        return pool;
    }();
    return *made;
}

// ---- what NumPy calls (NEP 49); all memory is the C library's, whoever asked for it

void *allocate(void *, size_t size) {
    return size >= LARGE ? blocks().take(size) : malloc(size);
}
void *allocate_zeros(void *, size_t count, size_t size) { return calloc(count, size); }
void *resize(void *, void *memory, size_t size) { return realloc(memory, size); }
void release(void *, void *memory, size_t size) {
    if (memory && size >= LARGE)
        blocks().keep(memory, size);
    else
        free(memory);
}

PyObject *handler() {
    static PyDataMem_Handler ours = {
        "anymax", 1, {nullptr, allocate, allocate_zeros, resize, release}};
    static PyObject *const capsule = PyCapsule_New(&ours, "mem_handler", nullptr);
    return capsule;
}

}  // namespace

PyObject *new_output(int type, int dimensions, const ssize_t *shape) {
    size_t bytes = type == NPY_FLOAT ? 4 : 8;
    for (int i = 0; i < dimensions; i++) bytes *= size_t(shape[i]);
    npy_intp *const sizes = const_cast<npy_intp *>(shape);
    if (bytes < LARGE) return PyArray_SimpleNew(dimensions, sizes, type);
    PyObject *const capsule = handler();
    PyObject *const before = capsule ? PyDataMem_SetHandler(capsule) : nullptr;
    if (!before) return nullptr;
    PyObject *const made = PyArray_SimpleNew(dimensions, sizes, type);
    PyObject *const ours = PyDataMem_SetHandler(before);
    Py_DECREF(before);
    Py_XDECREF(ours);
    return made;
}

void trim() { blocks().clear(); }

size_t kept() { return blocks().total(); }

}  // namespace anymax
