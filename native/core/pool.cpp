#include "pool.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace anymax {
namespace {

using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

constexpr auto SPIN = std::chrono::microseconds(30);  // before a helper goes to sleep
constexpr double WORTH = 3e3;   // ns of work from which a helper that spins pays
constexpr double RING = 40e3;   // ... from which waking one does
constexpr double AGAIN = 8e3;   // ... from which it does if such calls come in a row,
constexpr nanoseconds CLOSE{100'000};  // each this soon after the one before

void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// A job is claimed chunk by chunk through one word: its number in the high 32 bits, then
// the end and the begin of the chunks that are left. The caller takes the first of them
// and helpers the last, so that calls in a row find their rows in the same core's cache.
// A helper that comes late finds another number, or no chunk left, and never reads the
// arguments of a job that is over.
class Pool {
  public:
    explicit Pool(int wanted) : wanted_(wanted) {}

    int wanted() const { return wanted_.load(std::memory_order_relaxed); }

    void want(int count) { wanted_.store(count, std::memory_order_relaxed); }

    void run(void (*job)(void *, int), void *argument, int chunks, double work) {
        if (chunks < 2 || chunks > 0xffff || wanted() < 2 || work < WORTH ||
            !worth_waking(work) ||
            busy_.exchange(true, std::memory_order_acquire)) {
            for (int i = 0; i < chunks; i++) job(argument, i);
            return;
        }
        while (started_ < wanted() - 1 && start(started_)) started_++;
        job_ = job;
        argument_ = argument;
        done_.store(0, std::memory_order_relaxed);
        const uint64_t number = ++number_;
        word_.store(number << 32 | uint64_t(chunks) << 16, std::memory_order_seq_cst);
        if (asleep_.load(std::memory_order_seq_cst)) {
            bell_.fetch_add(1);
            bell_.notify_all();
        }
        const int mine = claim_all(number, FIRST);
        for (int i = 0; done_.load(std::memory_order_acquire) + mine < chunks; i++)
            i < 2000 ? pause() : std::this_thread::yield();
        busy_.store(false, std::memory_order_release);
    }

  private:
    // Whether the helpers are awake, or the work is worth waking them.
    bool worth_waking(double work) {
        if (work >= RING) return true;
        const bool sleeping = started_ < wanted() - 1 || asleep_.load();
        if (work < AGAIN) return !sleeping;
        const auto now = Clock::now().time_since_epoch();
        const nanoseconds before(last_.exchange(now.count(), std::memory_order_relaxed));
        return !sleeping || now - before < CLOSE;
    }

    enum End { FIRST, LAST };

    int claim_all(uint64_t number, End side) {
        int did = 0;
        uint64_t word = word_.load(std::memory_order_acquire);
        for (;;) {
            const int begin = int(word & 0xffff), end = int(word >> 16 & 0xffff);
            if (word >> 32 != number || begin == end) return did;
            const uint64_t rest = side == FIRST ? word + 1 : word - (uint64_t(1) << 16);
            if (!word_.compare_exchange_weak(word, rest, std::memory_order_acq_rel,
                                             std::memory_order_acquire))
                continue;
            job_(argument_, side == FIRST ? begin : end - 1);
            did++;
            word = word_.load(std::memory_order_acquire);
        }
    }

    // Another helper, if the system gives one; else as many threads are wanted as are.
    bool start(int helper) {
        // Never joined and never destroyed: nothing races at the interpreter's exit.
        try {
            std::thread([this, helper] { help(helper); }).detach();
        } catch (const std::system_error &) {
            want(helper + 1);
            return false;
        }
        return true;
    }

    void help(int helper) {
        uint64_t seen = 0;
        for (;;) {
            seen = next(seen);
            if (helper >= wanted() - 1) continue;  // fewer threads are wanted now
            if (const int did = claim_all(seen, LAST))
                done_.fetch_add(did, std::memory_order_release);
        }
    }

    // The number of a job other than the one seen: spin for a while, then sleep.
    uint64_t next(uint64_t seen) {
        const auto until = Clock::now() + SPIN;
        for (int i = 0;; i++) {
            const uint64_t now = word_.load(std::memory_order_acquire) >> 32;
            if (now != seen) return now;
            pause();
            if (i % 64 == 63 && Clock::now() > until) break;
        }
        for (;;) {
            const int bell = bell_.load();
            asleep_.fetch_add(1, std::memory_order_seq_cst);
            uint64_t now = word_.load(std::memory_order_seq_cst) >> 32;
            if (now == seen) bell_.wait(bell);
            asleep_.fetch_sub(1);
            now = word_.load(std::memory_order_acquire) >> 32;
            if (now != seen) return now;
        }
    }

    std::atomic<uint64_t> word_{0};
    std::atomic<int> done_{0}, asleep_{0}, bell_{0}, wanted_;
    std::atomic<bool> busy_{false};
    uint32_t number_ = 0;                // of the last job
    void (*job_)(void *, int) = nullptr;  // read only after a claim
    void *argument_ = nullptr;
    std::atomic<int> started_{0};
    std::atomic<int64_t> last_{0};  // when a call of some work came, in ns
};

int cores() {
    const unsigned found = std::thread::hardware_concurrency();
    return found ? int(found) : 1;
}

Pool *pool = nullptr;  // made once, never destroyed

// The threads of a pool do not live in a forked child: it gets a pool of its own.
void renew() { pool = new Pool(pool->wanted()); }

Pool &the_pool() {
    static const bool made = [] {
        pool = new Pool(cores());
        pthread_atfork(nullptr, nullptr, renew);
        return true;
    }();
    (void)made;
    return *pool;
}

}  // namespace

void run(void (*job)(void *, int), void *argument, int chunks, double nanoseconds) {
    the_pool().run(job, argument, chunks, nanoseconds);
}

int threads() { return the_pool().wanted(); }

void set_threads(int count) { the_pool().want(count < 1 ? 1 : count); }

}  // namespace anymax
