// The pool of threads alone, for sanitizers: pool_check [fork] exits with 0 if every
// chunk of every job was done once, whoever asked and however many asked at once.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "core/pool.h"

namespace {

void require(bool held, const char *what) {
    if (held) return;
    std::fprintf(stderr, "pool_check: %s\n", what);
    std::_Exit(1);
}

// Jobs of several sizes; chunks write plain memory, which the caller then reads. None of
// it is allocated: the allocator of AddressSanitizer may hang in a child that is forked
// while another thread allocates (g++ 12).
void call(int jobs, int seed) {
    for (int job = 0; job < jobs; job++) {
        const int chunks = (job * 7 + seed) % 33;
        std::array<int, 33> done{};
        anymax::parallel(chunks, [&](int chunk) { done[size_t(chunk)] += chunk + 1; });
        for (int chunk = 0; chunk < chunks; chunk++)
            require(done[size_t(chunk)] == chunk + 1, "a chunk was not done once");
    }
}

// A job within a job.
void nest() {
    std::vector<int> done(64, 0);
    anymax::parallel(8, [&](int outer) {
        anymax::parallel(8, [&](int inner) { done[size_t(8 * outer + inner)]++; });
    });
    for (int each : done) require(each == 1, "a chunk within a chunk was not done once");
}

void call_from(int callers, int jobs) {
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; i++) threads.emplace_back(call, jobs, i);
    for (std::thread &each : threads) each.join();
}

// Children have a pool that works, also if another thread was in the parent's.
void fork_while_busy(int times) {
    std::atomic<bool> over{false};
    std::thread busy([&] {
        while (!over) call(10, 3);
    });
    for (int i = 0; i < times; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            call(50, i);
            _exit(0);
        }
        int status = 1;
        require(waitpid(child, &status, 0) == child, "a child was lost");
        require(!WIFSIGNALED(status) || WTERMSIG(status) != SIGALRM, "a child hangs");
        require(status == 0, "a child failed");
    }
    over = true;
    busy.join();
}

}  // namespace

int main(int count, char **words) {
    for (const int threads : {4, 1, 3, 2}) {
        anymax::set_threads(threads);
        require(anymax::threads() == threads, "set_threads was not heard");
        call(500, threads);
        nest();
        call_from(8, 100);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));  // helpers sleep
        call(5, 0);
    }
    if (count > 1 && std::strcmp(words[1], "fork") == 0) fork_while_busy(30);
}
